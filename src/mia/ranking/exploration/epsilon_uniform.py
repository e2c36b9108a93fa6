"""The plain policy: what is drawn is a uniformly random order, so an offer is at any place with chance 1 / n."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia.frames import Floats, Ints
from mia.ranking.exploration.policy import Exploration
from mia.ranking.exploration.prospects import Prospects


@dataclass(frozen=True, slots=True)
class EpsilonUniform(Exploration):
    """The epsilon-uniform policy.

    >>> EpsilonUniform(0.1).name
    'epsilon-uniform-0.1'
    """

    kind: ClassVar[str] = "epsilon-uniform"

    def _drawn(self, rng: np.random.Generator, prospects: Prospects, greedy: Ints, draws: int) -> Ints:  # noqa: ARG002
        # One permutation after the other, since decisions that are stored were drawn so.
        return np.stack([rng.permutation(greedy) for _ in range(draws)])

    def _chance_of(self, prospects: Prospects, order: Ints) -> Floats:
        return np.full(len(order), 1.0 / len(prospects.worth))

    def _chances(self, prospects: Prospects, places: int) -> Floats:
        candidates = prospects.candidates
        count = candidates.sum(axis=1, keepdims=True)
        share = candidates / np.maximum(count, 1.0)
        return np.asarray(share[:, :, None] * (np.arange(places) < count[:, :, None]))
