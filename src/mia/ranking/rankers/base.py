"""What every ranker can do, and what a fit is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self

from mia.frames import Floats
from mia.ranking.pairs import Pairs


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What a fit is told besides the data: the seed, the threads, and the parameters of its kind of ranker."""

    fingerprint: str
    seed: int = 7
    threads: int = 2
    trees: int = 400
    leaves: int = 15
    learning_rate: float = 0.08
    minimum_leaf: int = 60
    feature_share: float = 0.4
    row_share: float = 0.8
    l2: float = 10.0
    extra_trees: bool = True
    bags: int = 1
    affinity: bool = True
    """Whether lines for each offer go before the trees; see `mia.ranking.affinity`."""


class Ranker(Protocol):
    """Scores pairs with the probability of a connection, or with something that orders alike."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit on pairs in order of time and their labels (0 or 1); changes neither."""

    def score(self, pairs: Pairs) -> Floats:
        """One acceptance in [0, 1] a pair."""

    def save(self, folder: Path) -> None:
        """Write the ranker as text files into an existing folder."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`."""
