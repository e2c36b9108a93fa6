"""What monitoring looks at: two populations of impressions, those of recent days with answers, and recent decisions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mia.evaluation.measures import Scored
from mia.frames import Floats, Objects


@dataclass(frozen=True, slots=True)
class Population:
    """R impressions as the model reads them: `matrix` is R x columns, `scores` its acceptance, `regions` R values."""

    matrix: Floats
    scores: Floats
    regions: Objects
    window: tuple[str, str]

    def __len__(self) -> int:
        return len(self.scores)

    def of_region(self, region: str) -> Floats:
        """Scores in one region."""
        return np.asarray(self.scores[self.regions == region])


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is judged about one model at `until` (microseconds).

    `columns` name those of the matrices and `gains` their shares of gain; `learnt` is the population that the model
    learnt from, `recent` that of the last days. `scores` and `answers` are of recent impressions whose answer is known,
    None where there are none. `decisions` counts recent decisions: day, model, fallback, explored, decisions.
    `own_auc` is that of the model's evaluation.
    """

    version: str
    until: int
    days: int
    columns: tuple[str, ...]
    gains: Mapping[str, float]
    learnt: Population
    recent: Population | None
    scores: Floats
    answers: Scored | None
    answers_window: tuple[str, str] | None
    decisions: pa.Table
    own_auc: float
    age_days: int

    def share_of_decisions(self, which: str) -> float:
        """Share of recent decisions that fell back (`fallback`) or explored (`explored`); NaN without decisions."""
        counts = self.decisions["decisions"].to_numpy()
        total = counts.sum()
        column = self.decisions[which]
        hit = column.is_valid() if which == "fallback" else column
        return float(counts[hit.to_numpy(zero_copy_only=False).astype(bool)].sum() / total) if total else np.nan
