"""Lines beside trees: each has its share of the log odds, and the trees do not see the lines."""

from dataclasses import replace

import numpy as np
import pytest
from tests.fakes.frames import random_pairs

from mia.ranking.calibration import logit
from mia.ranking.forest import whole
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.rankers.registry import load_ranker
from mia.ranking.schema import AFFINITY

OPTIONS = FitOptions("f1", seed=3, threads=1, trees=30, minimum_leaf=20, line_share=0.4)


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(200, 5_000, seed=5)


@pytest.fixture(scope="module")
def ranker(learnt):
    return LightGBMRanker.fit(*learnt, OPTIONS)


def raw(ranker, scores):
    return (logit(scores) - ranker.calibration.intercept) / ranker.calibration.slope


def test_the_log_odds_are_the_weighted_mean(ranker, learnt):
    pairs, _ = learnt
    (booster,) = ranker._boosters
    trees = logit(np.asarray(booster.predict(ranker.matrix(pairs))))
    lines = ranker.schema.affinity.score(ranker.schema.sides(pairs), pairs.offers)
    assert np.ptp(lines) > 0.5
    assert np.allclose(raw(ranker, ranker.score(pairs)), 0.6 * trees + 0.4 * lines, atol=1e-6)
    assert np.array_equal(
        ranker.acceptance(ranker.matrix(pairs)), ranker._accepted(len(pairs), whole(ranker.matrix(pairs)))
    )
    assert np.allclose(ranker.acceptance(ranker.matrix(pairs)), ranker.score(pairs), atol=1e-12)


def test_the_trees_do_not_see_the_lines(ranker, learnt):
    assert ranker.gains()[AFFINITY] == 0
    seen = LightGBMRanker.fit(*learnt, replace(OPTIONS, line_share=0.0))
    assert seen.gains()[AFFINITY] > 0


def test_a_pair_is_scored_alike_alone_and_among_others(ranker, learnt):
    pairs, _ = learnt
    together = ranker.score(pairs)
    some = np.arange(0, len(pairs), 501)
    assert np.array_equal(
        np.concatenate([ranker.score(pairs.take(some[place : place + 1])) for place in range(len(some))]),
        together[some],
    )


def test_contributions_add_up_to_the_score_before_calibration(ranker, learnt):
    pairs, _ = learnt
    parts = ranker.contributions(pairs, np.arange(len(pairs)))
    values = raw(ranker, ranker.score(pairs))
    lines = ranker.schema.terms(pairs)[:, 0]
    # The mean of the trees is one number, that of a line the same for all pairs of an offer and a category.
    offsets = values - 0.4 * lines - parts.sum(axis=1)
    assert np.ptp(offsets) < 0.01 * np.ptp(values)


def test_it_comes_back_as_it_was(ranker, learnt, tmp_path):
    pairs, _ = learnt
    ranker.save(tmp_path)
    again = load_ranker(tmp_path)
    assert again.line_share == 0.4
    assert np.array_equal(again.score(pairs), ranker.score(pairs))


def test_without_lines_the_trees_have_it_all(learnt):
    pairs, labels = random_pairs(60, 800, seed=6)
    alone, given = (LightGBMRanker.fit(pairs, labels, replace(OPTIONS, line_share=share)) for share in (0.0, 0.4))
    assert given.line_share == 0
    assert np.array_equal(given.score(pairs), alone.score(pairs))
