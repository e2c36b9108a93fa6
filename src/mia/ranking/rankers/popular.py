"""The popular orders: what others connect, smoothed and as of then. They need no fit and serve as fallback."""

from pathlib import Path
from typing import ClassVar, Self

from mia.frames import Floats
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions


class Popular:
    """Acceptance of the offer among all subscribers."""

    name: ClassVar[str] = "popular"
    column: ClassVar[str] = "offer_rate"

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:  # noqa: ARG003 - nothing to learn
        """Nothing to learn: the rates travel with the pairs."""
        return cls()

    def score(self, pairs: Pairs) -> Floats:
        """The smoothed rate of each pair's offer."""
        return pairs.feature(self.column).copy()

    def save(self, folder: Path) -> None:
        """Nothing to keep."""

    @classmethod
    def load(cls, folder: Path) -> Self:  # noqa: ARG003 - nothing is kept
        """Nothing to read."""
        return cls()


class PopularByRegion(Popular):
    """Acceptance of the offer among the subscribers of the region, shrunk to that among all."""

    name: ClassVar[str] = "popular_by_region"
    column: ClassVar[str] = "offer_region_rate"
