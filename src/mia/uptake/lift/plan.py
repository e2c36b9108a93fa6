"""The power planner: what lift an experiment can find, with what chance and when."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from mia.errors import InvalidInput
from mia.frames import Floats, Singles
from mia.uptake.lift import looks
from mia.uptake.lift.rules import LiftRules

PATHS = 10_000
"""Simulated paths; the chance of a finding is then known to about 0.5 points."""
LONGEST = 365
"""Days that are looked ahead."""
LARGEST = 10.0
"""The largest relative lift that is looked for."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """How subscribers connect: `rate` a subscriber and day, `spread` the variance of their own rates over rate^2.

    A subscriber's connections in d days are Poisson with its own rate times d: variance rate d + spread (rate d)^2.
    """

    rate: float
    spread: float

    @classmethod
    def of_counts(cls, subscribers: float, total: float, squares: float, days: int) -> Self:
        """From the sum and the sum of squares of subscribers' connections in some days, by their first two moments.

        >>> Baseline.of_counts(1_000, 300.0, 450.0, 30)
        Baseline(rate=0.01, spread=0.6706706706706707)
        """
        mean = total / subscribers
        variance = (squares - total * mean) / max(subscribers - 1, 1)
        return cls(mean / days, max(variance - mean, 0.0) / mean**2 if mean > 0 else 0.0)


@dataclass(frozen=True, slots=True)
class Design:
    """An experiment: subscribers by arm, their baseline, days of history for CUPED, and the rules of measuring."""

    control: int
    mia: int
    baseline: Baseline
    pre_days: int
    rules: LiftRules

    def power(self, lift: float, days: int = LONGEST) -> tuple[Floats, Floats]:
        """For each of the days 1 to `days`: the chance that the interval for one look on that day excludes zero, and
        the chance that the one for every look has done so by then, read daily.

        Shares of simulated paths. After d days the adjusted mean of an arm of n subscribers with rate l errs by
        sqrt(l / n) W(d) + l d sqrt(s' / n) U, W a Brownian motion (connections come by Poisson's law) and U a standard
        normal (subscribers differ), where s' = s / (1 + s l p) is the spread that the p days before leave unknown:
        given them, a gamma rate has that much of its variance left. The estimate of the arm's variance errs with it, by
        1 + 2 s' l d times the mean's error: the third central moment of such counts over their variance. That makes
        findings of a rise likelier than of a fall. Looks begin with the day on which both arms are expected to hold the
        least connections that an interval is shown on. The paths are always the same, so that the answer is.
        """
        day = np.arange(1, days + 1, dtype=np.float32)
        left = self.baseline.spread / (1 + self.baseline.spread * self.baseline.rate * self.pre_days)
        difference, variance = np.zeros((PATHS, days), np.float32), np.zeros((PATHS, days), np.float32)
        expected = np.zeros(days, np.float32)
        for size, factor, sign, (walk, own) in zip(
            (self.control, self.mia), (1.0, 1 + lift), (-1.0, 1.0), _paths(), strict=True
        ):
            mean = factor * self.baseline.rate * day
            error = np.sqrt(mean[0] / size) * walk[:, :days] + np.sqrt(left / size) * mean * own[:, None]
            spread = mean * (1 + left * mean) / size
            difference += sign * (mean + error)
            variance += spread + (1 + 2 * left * mean) / size * error
            expected += spread
        sizes = np.array([self.control, self.mia], np.float64)
        planned = float(looks.planned_variance(sizes, self.rules.planned_connections))
        fewest = self.baseline.rate * day * min(self.control, self.mia * (1 + lift))
        variance = np.maximum(variance, 0.05 * expected)
        away = np.abs(difference) / np.sqrt(variance)
        away[:, fewest < self.rules.minimum_connections] = 0
        once = (away > ndtri(1 - self.rules.alpha / 2)).mean(0)
        found = away > looks.standard_errors(variance, planned, self.rules.alpha)
        first = np.where(found.any(1), found.argmax(1), days)
        return once, np.cumsum(np.bincount(first, minlength=days + 1)[:days]) / PATHS


@dataclass(frozen=True, slots=True)
class Plan:
    """What a design can find. `power` is the chance that a relative `lift` is found within `days` days: with the
    interval for one look on the last of them, and with the one for every look, read daily.

    `smallest_lift` is found with a chance of `wanted_power` within `days`; `days_needed` is when `lift` is, None if
    not within a year.
    """

    control: int
    mia: int
    connections_per_month: float
    spread: float
    pre_days: int
    days: int
    lift: float
    wanted_power: float
    power_once: float
    power_daily: float
    smallest_lift_once: float | None
    smallest_lift_daily: float | None
    days_needed_once: int | None
    days_needed_daily: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def build_plan(design: Design, *, lift: float, days: int, power: float) -> Plan:
    """Plan an experiment; raises InvalidInput that names the option."""
    if not 0 < lift <= LARGEST:
        raise InvalidInput(f"must lie above 0 and not above {LARGEST:g}", option="--lift")
    if not 1 <= days <= LONGEST:
        raise InvalidInput(f"must lie between 1 and {LONGEST}", option="--days")
    if not 0.05 < power < 1:
        raise InvalidInput("must lie between 0.05 and 1", option="--power")
    once, daily = design.power(lift)
    return Plan(
        design.control,
        design.mia,
        design.baseline.rate * 30,
        design.baseline.spread,
        design.pre_days,
        days,
        lift,
        power,
        float(once[days - 1]),
        float(daily[days - 1]),
        _smallest(lambda tried: float(design.power(tried, days)[0][-1]), power),
        _smallest(lambda tried: float(design.power(tried, days)[1][-1]), power),
        _first(once, power),
        _first(daily, power),
    )


@lru_cache(maxsize=1)
def _paths() -> tuple[tuple[Singles, Singles], ...]:
    """Brownian paths (`PATHS` x `LONGEST`) and standard normals (`PATHS`) of either arm."""
    rng = np.random.default_rng(2013)
    return tuple(
        (
            np.cumsum(rng.standard_normal((PATHS, LONGEST), dtype=np.float32), axis=1, dtype=np.float32),
            rng.standard_normal(PATHS, dtype=np.float32),
        )
        for _ in range(2)
    )


def _first(powers: Floats, wanted: float) -> int | None:
    reached = np.flatnonzero(powers >= wanted)
    return int(reached[0]) + 1 if len(reached) else None


def _smallest(power_of: Callable[[float], float], wanted: float) -> float | None:
    if power_of(LARGEST) < wanted:
        return None
    # Much of SciPy comes along, and most who measure lift plan nothing.
    from scipy.optimize import brentq

    return float(brentq(lambda lift: power_of(lift) - wanted, 0.0, LARGEST, xtol=1e-4, rtol=1e-3))
