"""A change of what decisions are taken by."""

from dataclasses import dataclass
from enum import StrEnum


class Changed(StrEnum):
    """What can change."""

    MODEL = "model"
    CATALOGUE = "catalogue"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on, in microseconds since the epoch, this version of the model, catalogue or policy was used."""

    kind: Changed
    version: str
    at: int
