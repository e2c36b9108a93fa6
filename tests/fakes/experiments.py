"""Simulated experiments of known lift, as moments by experiment and day."""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats
from mia.uptake.lift.effect import Effects
from mia.uptake.lift.looks import planned_variance
from mia.uptake.lift.moments import Moments
from mia.uptake.lift.rules import LiftRules

LOT = 25


@dataclass(frozen=True)
class Trial:
    """Subscribers whose own rates are gamma around `rate` a day with variance spread * rate^2; `lift` is relative."""

    control: int
    mia: int
    days: int
    rate: float
    spread: float
    pre_days: int
    lift: float

    def run(self, experiments: int, seed: int) -> Moments:
        """Moments of shape experiments x days x 2."""
        rng = np.random.default_rng(seed)
        lots = [self._lot(rng, min(LOT, experiments - first)) for first in range(0, experiments, LOT)]
        return Moments(*(np.concatenate([lot[place] for lot in lots]) for place in range(6)))

    def effects(self, experiments: int, seed: int, rules: LiftRules) -> Effects:
        """Effects of shape experiments x days, as a report shows them."""
        moments = self.run(experiments, seed)
        planned = planned_variance(moments.n, rules.planned_connections)
        return Effects.estimate(moments, planned, rules.alpha, moments.y.min(-1) < rules.minimum_connections)

    @property
    def truth(self) -> Floats:
        """True difference after each day."""
        return self.rate * self.lift * np.arange(1, self.days + 1)

    def _lot(self, rng: np.random.Generator, lot: int) -> list[Floats]:
        size = (lot, self.control + self.mia)
        rate = self.rate * (rng.gamma(1 / self.spread, self.spread, size) if self.spread else np.ones(size))
        x = rng.poisson(rate * self.pre_days).astype(float)
        lifted = rate * np.repeat([1.0, 1 + self.lift], [self.control, self.mia])
        y, looks = np.zeros(size), []
        for _ in range(self.days):
            y = y + rng.poisson(lifted)
            looks.append([self._by_arm(column) for column in (np.ones(size), y, y * y, x, x * x, x * y)])
        return [np.stack([look[place] for look in looks], 1) for place in range(6)]

    def _by_arm(self, column: Floats) -> Floats:
        return np.stack([column[:, : self.control].sum(1), column[:, self.control :].sum(1)], -1)
