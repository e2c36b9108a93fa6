"""Logistic regression on the same columns: the linear yardstick. Fitting needs the `train` extra, scoring does not."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from mia.frames import Floats, Ints, Matrix
from mia.ranking.arbitration import Objective
from mia.ranking.calibration import expit
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions, read_head, readable, write_head
from mia.ranking.schema import FeatureSchema

STILL, FARTHEST = 1e-9, 8.0
MOST_ROWS = 200_000
"""A line needs no more: of more impressions it learns from every second, third, ..."""


class LogisticRanker:
    """Acceptance by a line through signed logarithms of the columns; what is missing counts as the mean."""

    name: ClassVar[str] = "logistic"

    def __init__(
        self,
        schema: FeatureSchema,
        means: Floats,
        scales: Floats,
        weights: Floats,
        intercept: float,
        objective: Objective = Objective.VALUE,
    ) -> None:
        self.schema, self._means, self._scales = schema, means, scales
        self.fingerprint, self.objective = schema.fingerprint, objective
        self._weights, self._intercept = weights, intercept

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit with an L2 penalty on standardised columns."""
        # scikit-learn belongs to the `train` extra: what it fitted is served without it.
        from sklearn.linear_model import LogisticRegression

        some = np.arange(0, len(labels), max(1, -(-len(labels) // MOST_ROWS)))
        pairs, labels = pairs.take(some), labels[some]
        schema = FeatureSchema.fit(pairs, labels, options.fingerprint)
        matrix = _squeeze(schema.training_matrix(pairs, labels))
        known = ~np.isnan(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, matrix, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (matrix - means) ** 2, 0.0).sum(axis=0) / count)
        # A column that never changed has a spread of rounding errors.
        scales = np.where(spread > STILL * np.maximum(np.abs(means), 1.0), spread, 1.0)
        model = LogisticRegression(C=0.05, max_iter=300, random_state=options.seed)
        model.fit(_standard(matrix, means, scales), labels)
        weights, intercept = model.coef_[0], float(model.intercept_[0])
        return cls(schema, means, scales, weights, intercept, options.objective)

    def refit(self, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fitted anew: nothing was chosen by the first fit."""
        return self.fit(pairs, labels, options)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the matrix, no two alike."""
        return self.schema.columns

    @property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features in the contributions."""
        return self.schema.places

    def score(self, pairs: Pairs) -> Floats:
        """Acceptance of each pair."""
        return self.acceptance(self.matrix(pairs))

    def matrix(self, pairs: Pairs) -> Matrix:
        """The matrix of the pairs."""
        return self.schema.matrix(pairs)

    def acceptance(self, matrix: Matrix) -> Floats:
        """Acceptance of each row of the matrix."""
        # A matrix product rounds a row differently among other rows; a sum along the row does not.
        return expit(self._parts(matrix).sum(axis=1) + self._intercept)

    def contributions(self, pairs: Pairs, which: Ints) -> Floats:
        """What each column adds to the logit above that of the mean, one row for each of the pairs asked for."""
        return self._parts(self.matrix(pairs)[which])

    def gains(self) -> dict[str, float]:
        """Share of each column in the sum of the absolute weights, largest first."""
        share = np.abs(self._weights) / max(np.abs(self._weights).sum(), 1e-12)
        order = np.argsort(-share, kind="stable")
        columns = self.columns
        return {columns[place]: float(share[place]) for place in order}

    def save(self, folder: Path) -> None:
        """Everything as JSON."""
        content = {
            "schema": self.schema.to_json(),
            "means": self._means,
            "scales": self._scales,
            "weights": self._weights,
            "intercept": self._intercept,
        }
        write_head(folder, self, content)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; raises UnreadableModel."""
        head = read_head(folder)
        with readable(folder):
            schema = FeatureSchema.from_json(head["schema"])
            means, scales, weights = (np.asarray(head[name], float) for name in ("means", "scales", "weights"))
            return cls(schema, means, scales, weights, float(head["intercept"]), head["objective"])

    def _parts(self, matrix: Matrix) -> Floats:
        return _standard(_squeeze(matrix), self._means, self._scales) * self._weights


def _squeeze(matrix: Matrix) -> Floats:
    """sign(x) log(1 + |x|): amounts spread over orders of magnitude become comparable."""
    wide = np.asarray(matrix, float)
    return np.asarray(np.sign(wide) * np.log1p(np.abs(wide)))


def _standard(matrix: Floats, means: Floats, scales: Floats) -> Floats:
    """In standard deviations from the mean; what the fit hardly saw counts as the farthest that it did."""
    return np.asarray(np.clip(np.nan_to_num((matrix - means) / scales, nan=0.0), -FARTHEST, FARTHEST))
