"""Logistic regression on the same columns: the linear yardstick. Needs the `train` extra."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import orjson
from sklearn.linear_model import LogisticRegression

from mia.frames import Floats, Singles
from mia.ranking.calibration import expit
from mia.ranking.lines import squeeze
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions
from mia.ranking.schema import FeatureSchema

HEAD = "logistic.json"
MOST_ROWS = 200_000
"""A line needs no more; of more impressions it learns from every second, third, ..."""


class LogisticRanker:
    """Acceptance by a line through signed logarithms of the columns; what is missing counts as the mean."""

    name: ClassVar[str] = "logistic"

    def __init__(self, schema: FeatureSchema, means: Floats, scales: Floats, weights: Floats, intercept: float) -> None:
        self.schema, self._means, self._scales = schema, means, scales
        self._weights, self._intercept = weights, intercept

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit with an L2 penalty on standardised columns."""
        some = np.arange(0, len(labels), -(-len(labels) // MOST_ROWS))
        pairs, labels = pairs.take(some), labels[some]
        schema = FeatureSchema.fit(pairs, labels, options.fingerprint)
        matrix = squeeze(schema.training_matrix(pairs, labels))
        known = ~np.isnan(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, matrix, 0.0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (matrix - means) ** 2, 0.0).sum(axis=0) / count)
        scales = np.where(spread > 0, spread, 1.0)
        model = LogisticRegression(C=0.05, max_iter=300, random_state=options.seed)
        model.fit(_standard(matrix, means, scales), labels)
        return cls(schema, means, scales, model.coef_[0], float(model.intercept_[0]))

    def score(self, pairs: Pairs) -> Floats:
        """Acceptance of each pair."""
        matrix = _standard(squeeze(self.schema.matrix(pairs)), self._means, self._scales)
        # A matrix product rounds a row differently among other rows; a sum along the row does not.
        return expit((matrix * self._weights).sum(axis=1) + self._intercept)

    def save(self, folder: Path) -> None:
        """Everything as JSON."""
        head = {
            "schema": self.schema.to_json(),
            "means": self._means,
            "scales": self._scales,
            "weights": self._weights,
            "intercept": self._intercept,
        }
        (folder / HEAD).write_bytes(orjson.dumps(head, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`."""
        head = orjson.loads((folder / HEAD).read_bytes())
        means, scales, weights = (np.asarray(head[name]) for name in ("means", "scales", "weights"))
        return cls(FeatureSchema.from_json(head["schema"]), means, scales, weights, head["intercept"])


def _standard(matrix: Singles, means: Floats, scales: Floats) -> Floats:
    return np.asarray(np.nan_to_num((matrix - means) / scales, nan=0.0))
