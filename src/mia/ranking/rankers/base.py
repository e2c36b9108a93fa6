"""What every ranker can do, what a fit is told, and the head that every saved ranker begins with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import orjson

from mia.errors import UnreadableModel
from mia.frames import Floats, Matrix
from mia.ranking.arbitration import Objective
from mia.ranking.pairs import Pairs

HEAD = "ranker.json"


@dataclass(frozen=True, slots=True)
class FitOptions:
    """What a fit is told besides the data: what its offers are to be ordered by, the seed, the threads, and the
    parameters of its kind of ranker.
    """

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
    objective: Objective = Objective.VALUE
    affinity: bool = True
    """Whether there are lines for each offer, where connections are enough; see `mia.ranking.affinity`."""
    line_share: float = 0.0
    """What share of the log odds is that of the lines; the trees then do not see them. With 0 they look at them as at
    any other column.
    """


class Ranker(Protocol):
    """Scores pairs with the probability of a connection, or with something that orders alike.

    `fingerprint` is that of the profiles it was fitted on, `objective` what offers are to be ordered by.
    """

    name: ClassVar[str]
    fingerprint: str
    objective: Objective

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit on pairs in order of time and their labels (0 or 1); changes neither."""

    def refit(self, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """What this fit found out, fitted on other (more) pairs in order of time."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of its matrix, no two alike."""

    def matrix(self, pairs: Pairs) -> Matrix:
        """What it reads of R pairs, R x columns."""

    def acceptance(self, matrix: Matrix) -> Floats:
        """One acceptance in [0, 1] a row of such a matrix."""

    def score(self, pairs: Pairs) -> Floats:
        """One acceptance in [0, 1] a pair."""

    def gains(self) -> dict[str, float]:
        """How much each column tells it, as shares that sum to 1, largest first."""

    def save(self, folder: Path) -> None:
        """Write the ranker as text files into an existing folder; the head names its kind."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; raises UnreadableModel."""


def write_head(folder: Path, ranker: Ranker, content: Mapping[str, Any]) -> None:
    """Write the head of a ranker: its kind, objective and fingerprint, and what its kind keeps besides."""
    head = {"kind": ranker.name, "objective": ranker.objective, "fingerprint": ranker.fingerprint, **content}
    (folder / HEAD).write_bytes(orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_INDENT_2))


def read_head(folder: Path) -> dict[str, Any]:
    """The head of a saved ranker; raises UnreadableModel."""
    with readable(folder):
        head: dict[str, Any] = orjson.loads((folder / HEAD).read_bytes())
        return {**head, "objective": Objective(head["objective"])}


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Whatever is wrong with the files of a ranker, it is an UnreadableModel."""
    try:
        yield
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableModel(str(folder)) from error
