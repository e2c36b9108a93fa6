from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.frames import random_pairs

from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lambdarank import LambdaRanker

OPTIONS = FitOptions("f1", seed=3, threads=1, trees=40, minimum_leaf=20)


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(120, 3_000, seed=4)


def regrouped(pairs: Pairs, slate) -> Pairs:
    return replace(pairs, context=replace(pairs.context, slate=slate))


def won(ranker, pairs, labels) -> float:
    """Share of the slates with one connection whose best offer is the connected one."""
    scores, chosen = ranker.score(pairs).reshape(-1, 3), labels.reshape(-1, 3)
    one = chosen.sum(axis=1) == 1
    return float((scores[one].argmax(axis=1) == chosen[one].argmax(axis=1)).mean())


def test_it_puts_the_connected_offer_of_a_request_first(learnt):
    ranker = LambdaRanker.fit(*learnt, OPTIONS)
    fresh = random_pairs(120, 3_000, seed=9)
    assert won(ranker, *fresh) > 0.55


def test_its_acceptance_is_a_probability(learnt):
    pairs, labels = learnt
    fresh, truth = random_pairs(120, 3_000, seed=9)
    scores = LambdaRanker.fit(pairs, labels, OPTIONS).score(fresh)
    assert scores.mean() == pytest.approx(truth.mean(), abs=0.04)
    best = scores >= np.quantile(scores, 0.9)
    assert scores[best].mean() == pytest.approx(truth[best].mean(), abs=0.12)


def test_what_was_shown_together_is_compared_together(learnt, tmp_path):
    """The order of the slates is no part of what is learnt, their members are."""
    pairs, labels = learnt
    rng = np.random.default_rng(1)

    def trees(slate) -> str:
        LambdaRanker.fit(regrouped(pairs, slate), labels, OPTIONS).save(tmp_path)
        return (tmp_path / "model-0.txt").read_text()

    slate = np.arange(len(pairs)) // 3
    assert trees(slate) == trees(slate * 7 + 100)
    assert trees(slate) != trees(rng.permutation(slate))
    assert trees(None) == trees(pairs.rows)
