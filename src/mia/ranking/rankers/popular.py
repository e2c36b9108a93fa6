"""The popular orders: what others connect, smoothed and as of then. They need no fit and serve as fallback."""

from pathlib import Path
from typing import ClassVar, Self

from mia.frames import Floats, Matrix
from mia.ranking.arbitration import Objective
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions, read_head, readable, write_head


class Popular:
    """Acceptance of the offer among all subscribers."""

    name: ClassVar[str] = "popular"
    column: ClassVar[str] = "offer_rate"

    def __init__(self, fingerprint: str, objective: Objective = Objective.VALUE) -> None:
        self.fingerprint, self.objective = fingerprint, objective

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:  # noqa: ARG003 - nothing to learn
        """Nothing to learn: the rates travel with the pairs."""
        return cls(options.fingerprint, options.objective)

    def refit(self, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Nothing to learn anew."""
        return self.fit(pairs, labels, options)

    @property
    def columns(self) -> tuple[str, ...]:
        """The rate alone."""
        return (self.column,)

    def matrix(self, pairs: Pairs) -> Matrix:
        """The smoothed rate of each pair's offer, R x 1."""
        return pairs.feature(self.column)[:, None].copy()

    def acceptance(self, matrix: Matrix) -> Floats:
        """The rate as it is."""
        return matrix[:, 0].copy()

    def score(self, pairs: Pairs) -> Floats:
        """The smoothed rate of each pair's offer."""
        return self.acceptance(self.matrix(pairs))

    def gains(self) -> dict[str, float]:
        """The rate tells it all."""
        return {self.column: 1.0}

    def save(self, folder: Path) -> None:
        """Nothing but the head."""
        write_head(folder, self, {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; raises UnreadableModel."""
        head = read_head(folder)
        with readable(folder):
            return cls(head["fingerprint"], head["objective"])


class PopularByRegion(Popular):
    """Acceptance of the offer among the subscribers of the region, shrunk to that among all."""

    name: ClassVar[str] = "popular_by_region"
    column: ClassVar[str] = "offer_region_rate"
