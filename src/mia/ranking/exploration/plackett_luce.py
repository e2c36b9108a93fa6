"""Plackett-Luce policies: places are filled one after the other, each offer with a chance in proportion to its weight.

The weight is worth ** (1 / temperature), which is the softmax of the logarithm of the worth (Plackett, R., 1975; Luce,
R. D., 1959). Orders are drawn by adding Gumbel noise to the logarithms of the weights and sorting (Yellott, J., 1977;
Kool, W. et al., 2019); marginal chances are those of a race of exponential runners, see `race`.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia.frames import Floats, Ints
from mia.ranking.exploration.policy import Exploration
from mia.ranking.exploration.prospects import Prospects
from mia.ranking.exploration.race import exponential_places

SPAN = 30.0
"""Weights lie within exp(30) of the largest, also of offers that are worth nothing: every candidate can be drawn."""
CELLS = 1_500
"""Runners x decisions x places that are computed at a time: what fits into the cache of a processor."""


@dataclass(frozen=True, slots=True)
class PlackettLuce(Exploration):
    """Plackett-Luce with a temperature > 0: the lower it is, the closer to the greedy order.

    >>> PlackettLuce(0.1, 0.5).name
    'plackett-luce-0.1,0.5'
    >>> slate = PlackettLuce(1.0, 1.0).draw(Prospects.certain(np.asarray([6.0, 3.0, 1.0])), 2, seed=1)
    >>> [int(place) for place in slate.order], [round(float(chance), 4) for chance in slate.propensity]
    ([1, 0], [0.3, 0.3238])
    """

    kind: ClassVar[str] = "plackett-luce"
    temperature: float

    def __post_init__(self) -> None:
        Exploration.__post_init__(self)
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature must be a number above 0, not {self.temperature}")

    def _drawn(self, rng: np.random.Generator, prospects: Prospects, greedy: Ints, draws: int) -> Ints:  # noqa: ARG002
        noisy: Floats = self._logs(prospects) + rng.gumbel(size=(draws, len(prospects.worth)))
        return np.argsort(-noisy, kind="stable")

    def _chance_of(self, prospects: Prospects, order: Ints) -> Floats:
        rates = np.exp(self._logs(prospects))
        if len(order) == 1:
            return np.asarray(rates[order] / rates.sum())
        return np.asarray(exponential_places(rates[None], len(order), order)[0].diagonal())

    def _chances(self, prospects: Prospects, places: int) -> Floats:
        rates = np.exp(self._logs(prospects)) * prospects.candidates
        if places == 1:
            return np.asarray((rates / np.maximum(rates.sum(axis=1, keepdims=True), 1.0))[:, :, None])
        step = max(1, CELLS // (places * max(rates.shape[1], 1)))
        parts = [exponential_places(rates[at : at + step], places) for at in range(0, len(rates), step)]
        return np.concatenate(parts) if parts else np.zeros((*rates.shape, places))

    def _worth(self, prospects: Prospects) -> Floats:
        return prospects.worth

    def _logs(self, prospects: Prospects) -> Floats:
        """Logarithms of the weights, 0 for the largest of each decision."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs: Floats = np.log(np.maximum(self._worth(prospects), 0.0)) / self.temperature
            logs -= logs.max(axis=-1, keepdims=True, initial=-np.inf)
        # Where nothing is worth anything the difference is no number: all weights are then equal.
        return np.maximum(np.nan_to_num(logs, nan=0.0, neginf=-SPAN), -SPAN)


@dataclass(frozen=True, slots=True)
class OptimisticPlackettLuce(PlackettLuce):
    """Plackett-Luce that gives offers with little history the benefit of the doubt.

    An offer's weight is made of its worth times 1 + optimism x doubt, where doubt is the standard deviation of the
    posterior of its rate as a share of that rate: an upper bound as in Thompson sampling's spread (Thompson, W., 1933;
    Chapelle, O., Li, L., 2011), but with chances in closed form. `optimism` >= 0 is a number of standard deviations.
    """

    kind: ClassVar[str] = "optimistic"
    optimism: float

    def __post_init__(self) -> None:
        PlackettLuce.__post_init__(self)
        if not 0 <= self.optimism < np.inf:
            raise ValueError(f"optimism must be a number from 0, not {self.optimism}")

    def _worth(self, prospects: Prospects) -> Floats:
        return np.asarray(prospects.worth * (1.0 + self.optimism * prospects.doubt))
