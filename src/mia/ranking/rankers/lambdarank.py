"""LightGBM's lambdarank: trees that put the connected offer of a request before the others, calibrated afterwards.

Burges, C. (2010), From RankNet to LambdaRank to LambdaMART. What the trees add up to orders the offers of one request
and is no probability: its logistic function goes through the same calibration as that of the other rankers.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mia.frames import Floats, Matrix
from mia.ranking.calibration import expit
from mia.ranking.forest import native
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.lightgbm import LightGBMRanker

if TYPE_CHECKING:
    import lightgbm

PLACES = 3
"""Places of a request that the order is learnt for."""


class LambdaRanker(LightGBMRanker):
    """Acceptance by boosted trees that were fitted on the order inside each request."""

    name: ClassVar[str] = "lambdarank"
    loss: ClassVar[Mapping[str, Any]] = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [PLACES],
        "lambdarank_truncation_level": PLACES + 3,
    }

    @classmethod
    def _dataset(
        cls, matrix: Matrix, labels: Floats, pairs: Pairs, seen: "lightgbm.Dataset | None" = None
    ) -> "lightgbm.Dataset":
        """The rows of each request together; pairs that know of no request are grouped by profile."""
        slate = pairs.rows if pairs.context.slate is None else pairs.context.slate
        _, sizes = np.unique(slate, return_counts=True)
        if (np.diff(slate) < 0).any():
            order = np.argsort(slate, kind="stable")
            matrix, labels = matrix[order], labels[order]
        return native().Dataset(matrix, labels, group=sizes, reference=seen)

    @staticmethod
    def _chance(margin: Floats) -> Floats:
        return expit(margin)
