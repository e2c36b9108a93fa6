"""The reasons of a trained model are those that LightGBM's exact SHAP values give."""

import numpy as np
import pytest
from tests.fakes.frames import random_pairs

from mia.domain.offer import Language
from mia.ranking.explanation import explain
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lightgbm import LightGBMRanker


class Native:
    """The same model, asked without its compiled form."""

    def __init__(self, ranker: LightGBMRanker) -> None:
        self.ranker, self.places = ranker, ranker.places

    def contributions(self, pairs, which):
        matrix = self.ranker.matrix(pairs)
        parts = [booster.predict(matrix, pred_contrib=True) for booster in self.ranker._boosters]
        return np.mean(parts, axis=0)[which, :-1]


@pytest.mark.parametrize("bags", [1, 2])
def test_first_reasons_agree_with_exact_shap_values(bags):
    pairs, labels = random_pairs(150, 1_500, seed=8)
    ranker = LightGBMRanker.fit(pairs, labels, FitOptions("f", seed=3, threads=1, trees=60, minimum_leaf=20, bags=bags))
    assert ranker._ensemble.is_compiled
    mine, exact = (explain(model, pairs, np.arange(len(pairs)), Language.RU) for model in (ranker, Native(ranker)))
    told = [(one, other) for one, other in zip(mine, exact, strict=True) if other]
    assert len(told) > 300
    # Only weights that differ by less than rounding may change places.
    assert np.mean([one[:1] == other[:1] for one, other in told]) >= 0.99
