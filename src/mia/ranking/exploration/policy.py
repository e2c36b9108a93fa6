"""What every policy that explores has in common: it is a mixture of the greedy order and an order drawn by chance.

With probability epsilon the order is drawn, else it is the greedy one. Marginally and exactly, the propensity of an
offer at a place is epsilon x [chance of the draw to put it there] + (1 - epsilon) x [the greedy order has it there]. So
epsilon bounds the share of decisions, and with them of impressions, that are given to learning.
"""

from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.ranking.exploration.prospects import Prospects
from mia.ranking.exploration.slate import Slate


@dataclass(frozen=True, slots=True)
class Exploration(ABC):
    """A policy with its parameters, which are its fields; `epsilon` in [0, 1]. Raises ValueError out of range."""

    kind: ClassVar[str]
    epsilon: float

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"epsilon must lie in [0, 1], not {self.epsilon}")

    @property
    def name(self) -> str:
        """Version of the policy, as decisions store it: its kind and all its parameters."""
        return f"{self.kind}-{','.join(repr(value) for value in astuple(self))}"

    def draw(self, prospects: Prospects, places: int, seed: int) -> Slate:
        """The slate of a decision; the same seed draws the same."""
        return self.draw_from(np.random.default_rng(seed), prospects, places)

    def draw_from(self, rng: np.random.Generator, prospects: Prospects, places: int) -> Slate:
        """The next slate of a stream of random numbers."""
        (order,), (explored,) = self.orders_from(rng, prospects, places, 1)
        return Slate(order, self.propensities(prospects, order), bool(explored))

    def orders_from(
        self, rng: np.random.Generator, prospects: Prospects, places: int, draws: int
    ) -> tuple[Ints, NDArray[np.bool_]]:
        """That many orders of one decision, draws x places, and which of them were drawn by chance (draws)."""
        explored = rng.random(draws) < self.epsilon
        greedy = prospects.greedy
        orders = np.tile(greedy[:places], (draws, 1))
        if explored.any():
            orders[explored] = self._drawn(rng, prospects, greedy, int(explored.sum()))[:, :places]
        return orders, explored

    def propensities(self, prospects: Prospects, order: Ints) -> Floats:
        """Exact marginal probability of each offer of `order` at its place."""
        drawn = self._chance_of(prospects, order) if len(order) else np.zeros(0)
        return np.asarray(self.epsilon * drawn + (1 - self.epsilon) * (prospects.greedy[: len(order)] == order))

    def marginals(self, prospects: Prospects, places: int) -> Floats:
        """Exact marginal probability of each offer at each of the first `places`, for D decisions: D x n x places.

        Each place sums to 1 over the offers, or to 0 where a decision has too few candidates to fill it.
        """
        decisions, offers = prospects.worth.shape
        greedy = np.zeros((decisions, offers, places))
        filled = min(places, offers)
        first = prospects.greedy[:, :filled]
        greedy[np.arange(decisions)[:, None], first, np.arange(filled)] = 1.0
        greedy *= prospects.candidates[:, :, None]
        if not self.epsilon:
            return greedy
        return np.asarray(self.epsilon * self._chances(prospects, places) + (1 - self.epsilon) * greedy)

    @abstractmethod
    def _drawn(self, rng: np.random.Generator, prospects: Prospects, greedy: Ints, draws: int) -> Ints:
        """Whole orders drawn by chance, draws x n."""

    @abstractmethod
    def _chance_of(self, prospects: Prospects, order: Ints) -> Floats:
        """Probability that the draw puts each offer of `order` at its place; one value a place."""

    @abstractmethod
    def _chances(self, prospects: Prospects, places: int) -> Floats:
        """The same for every offer and place of D decisions: D x n x places."""
