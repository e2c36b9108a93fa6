"""The search for better settings of a fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Dimension:
    """Where a parameter is looked for: from `low` to `high`, in equal steps of its logarithm with `log`, whole numbers
    only with `whole`; or one of `choices`.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    choices: tuple[bool | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of a search."""

    number: int
    parameters: Mapping[str, Any]
    loss: float


class Study(Protocol):
    """A search for parameters of least loss, which can be stopped and taken up again."""

    def done(self) -> list[Tried]:
        """Trials that came to an end, in order."""

    def propose(self) -> dict[str, Any]:
        """Parameters of the next trial."""

    def tell(self, loss: float) -> None:
        """The loss of the trial that was proposed last."""
