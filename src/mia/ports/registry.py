"""The registry of models and their champions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mia.ports.study import Tried

CARD = "card.html"
"""The attachment that tells people of a version."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered model."""

    version: str
    run_id: str
    created_at: int
    champion: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChampionChange:
    """One version becoming champion: when (microseconds), by whom, how (`gate`, `override`, `rollback`) and why."""

    version: str
    at: int
    by: str
    how: str
    reason: str = ""


class Registry(Protocol):
    """Training runs and model versions."""

    def register(
        self,
        *,
        folder: Path,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: Mapping[str, NDArray[np.float64]] | None = None,
        trials: Sequence[Tried] = (),
    ) -> str:
        """Log a run with everything in `folder` as artifacts, register its model, return the version.

        With an `example`, a few values of each column that the ranker reads, tools that know nothing of MIA can use it.
        `trials` of the search for its parameters are logged as runs inside this one.
        """

    def fetch(self, version: str) -> Path:
        """Folder with the artifacts of a version; raises UnknownModel."""

    def champion(self) -> str | None:
        """Version behind the alias `champion`."""

    def champions(self) -> list[ChampionChange]:
        """Every change of the champion, oldest first, the present one last."""

    def make_champion(self, change: ChampionChange) -> None:
        """Point the alias `champion` at a version and keep when, by whom and why; raises UnknownModel."""

    def judge(self, version: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict of the gate with the version and leave the alias where it is; raises UnknownModel."""

    def attach(self, version: str, files: Mapping[str, str]) -> None:
        """Keep small text files beside the model, in the place of earlier ones of these names."""

    def attached(self, version: str, name: str) -> bytes | None:
        """One of those files, None where there is none; raises UnknownModel."""

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first."""
