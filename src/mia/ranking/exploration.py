"""Exploration with exact propensities.

The plain policy is epsilon-uniform: with probability epsilon the order of the n candidates is uniformly random, else
it is the greedy one. The propensity of an offer at a position is then, marginally and exactly,
epsilon / n + (1 - epsilon) [the greedy order has it there].
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mia.frames import Floats, Ints

PREFIX = "epsilon-uniform-"


@dataclass(frozen=True, slots=True)
class Slate:
    """The first places of an order: `order` are candidate numbers, `propensity` one value a place, in (0, 1]."""

    order: Ints
    propensity: Floats
    explored: bool


@dataclass(frozen=True, slots=True)
class EpsilonUniform:
    """The epsilon-uniform policy; epsilon in [0, 1]."""

    epsilon: float

    @property
    def name(self) -> str:
        """Version of the policy, as decisions store it."""
        return f"{PREFIX}{self.epsilon!r}"

    @classmethod
    def of_name(cls, name: str) -> Self:
        """The policy of a stored version; raises ValueError for any other text."""
        if not name.startswith(PREFIX):
            raise ValueError(f"no exploration policy {name!r}")
        return cls(float(name.removeprefix(PREFIX)))

    def draw(self, greedy: Ints, places: int, seed: int) -> Slate:
        """The slate of a decision. `greedy` is the full order of the n candidates; the same seed draws the same."""
        return self.draw_from(np.random.default_rng(seed), greedy, places)

    def draw_from(self, rng: np.random.Generator, greedy: Ints, places: int) -> Slate:
        """The next slate of a stream of random numbers."""
        explored = bool(rng.random() < self.epsilon)
        order = (rng.permutation(greedy) if explored else greedy)[:places]
        return Slate(order, self.propensities(greedy, order), explored)

    def propensities(self, greedy: Ints, order: Ints) -> Floats:
        """Exact marginal probability of each offer of `order` at its place."""
        uniform = self.epsilon / max(len(greedy), 1)
        return np.asarray(uniform + (1 - self.epsilon) * (greedy[: len(order)] == order))
