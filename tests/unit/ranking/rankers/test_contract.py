"""Every ranker of the registry passes the contract."""

from typing import get_args

import pytest
from tests.fakes.frames import random_pairs
from tests.unit.ranking.rankers.contract import OPTIONS, RankerContract

from mia.ranking.rankers.registry import RANKERS
from mia.settings import RankerName


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(120, 1_500, seed=8)


@pytest.fixture(scope="module", params=RANKERS)
def kind(request):
    return RANKERS[request.param]


@pytest.fixture(scope="module")
def ranker(kind, learnt):
    return kind.fit(*learnt, OPTIONS)


class TestEveryRanker(RankerContract):
    """The suite over the registry."""


def test_the_settings_know_every_kind():
    assert set(get_args(RankerName)) == set(RANKERS)


@pytest.mark.parametrize("name", ["lightgbm", "logistic"])
def test_those_that_learn_beat_the_popular_order(name):
    learnt, fresh = random_pairs(150, 3_000, seed=1), random_pairs(80, 1_500, seed=2)
    rankers = [RANKERS[kind].fit(*learnt, OPTIONS) for kind in (name, "popular")]
    pairs, labels = fresh
    ours, popular = (ranker.score(pairs) for ranker in rankers)
    assert ours[labels > 0].mean() > 2 * ours[labels == 0].mean()
    assert popular[labels > 0].mean() < 1.5 * popular[labels == 0].mean()
