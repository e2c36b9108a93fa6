"""A change of what decisions are taken by."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on, in microseconds since the epoch, this version of the model, catalogue or policy was used."""

    kind: Literal["model", "catalogue", "policy"]
    version: str
    at: int
