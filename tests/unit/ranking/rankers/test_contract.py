"""What every ranker can do, whatever it is made of."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.frames import AS_OF, OFFERS, events, objects, offer, profiles, random_pairs

from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.rankers.logistic import LogisticRanker
from mia.ranking.rankers.popular import Popular, PopularByRegion

RANKERS = {kind.name: kind for kind in (LightGBMRanker, LogisticRanker, Popular, PopularByRegion)}
OPTIONS = FitOptions("f1", seed=3, threads=1, trees=12, minimum_leaf=5, bags=2)


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(120, 1_500, seed=8)


@pytest.fixture(scope="module", params=RANKERS)
def kind(request):
    return RANKERS[request.param]


@pytest.fixture(scope="module")
def ranker(kind, learnt):
    return kind.fit(*learnt, OPTIONS)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_fitting_and_scoring_change_nothing_that_was_given(kind, learnt):
    pairs, labels = learnt
    given = copy.deepcopy((pairs.features, pairs.profiles.numeric, pairs.rows, pairs.cols, labels))
    context = copy.deepcopy(pairs.context)
    scores = kind.fit(pairs, labels, OPTIONS).score(pairs)
    scores += 1.0
    kept = (pairs.features, pairs.profiles.numeric, pairs.rows, pairs.cols, labels)
    for before, after in zip(given, kept, strict=True):
        assert np.array_equal(before, after, equal_nan=True)
    assert context.channel.tolist() == pairs.context.channel.tolist()
    assert context.position.tolist() == pairs.context.position.tolist()


def test_scores_are_chances_and_one_a_pair(ranker, learnt):
    pairs, _ = learnt
    scores = ranker.score(pairs)
    assert scores.shape == (len(pairs),)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_the_same_seed_gives_the_same_scores_and_bytes(kind, ranker, learnt, tmp_path):
    pairs, labels = learnt
    again = kind.fit(pairs, labels, OPTIONS)
    assert np.array_equal(again.score(pairs), ranker.score(pairs))
    for name, one in (("first", ranker), ("second", again)):
        (tmp_path / name).mkdir()
        one.save(tmp_path / name)
    assert content(tmp_path / "first") == content(tmp_path / "second")


def test_it_comes_back_as_it_was_saved(kind, ranker, learnt, tmp_path):
    pairs, _ = learnt
    ranker.save(tmp_path)
    loaded = kind.load(tmp_path)
    assert np.array_equal(loaded.score(pairs), ranker.score(pairs))
    (tmp_path / "twice").mkdir()
    loaded.save(tmp_path / "twice")
    saved = content(tmp_path / "twice")
    assert saved == {name: (tmp_path / name).read_bytes() for name in saved}


def test_a_pair_is_scored_alone_as_among_many(ranker, learnt):
    pairs, _ = learnt
    scores = ranker.score(pairs)
    for row in (0, 7, 1_499):
        assert ranker.score(pairs.take(np.asarray([row]))).tolist() == [scores[row]]
    assert len(ranker.score(pairs.take(np.zeros(0, np.int64)))) == 0


def test_unknown_categories_and_missing_values_are_scored(ranker, learnt):
    pairs, _ = learnt
    people = pairs.profiles
    strange = replace(
        people,
        numeric=np.full_like(people.numeric, np.nan),
        attributes={
            name: objects(["Atlantis" if name == "region" else None] * len(people)) for name in people.attributes
        },
    )
    context = Context(objects(["pigeon"] * len(pairs)), pairs.context.position)
    scores = ranker.score(replace(pairs, profiles=strange, context=context))
    assert np.isfinite(scores).all()
    bare = ranker.score(replace(pairs, profiles=replace(people, attributes={})))
    assert np.isfinite(bare).all()


def test_the_order_of_attributes_does_not_matter(ranker, learnt):
    pairs, _ = learnt
    people = pairs.profiles
    turned = replace(people, attributes=dict(reversed(people.attributes.items())))
    assert np.array_equal(ranker.score(replace(pairs, profiles=turned)), ranker.score(pairs))


def test_a_new_offer_without_history_is_scored(ranker):
    table = OfferTable.build([*OFFERS, offer("new", "unheard", attributes={"colour": "red", "brand": "Yak"})])
    people = profiles(attributes={"region": ["Kurgan"]})
    rates = OfferRates.build(build_history(events([]), table, np.asarray([AS_OF])), table)
    cols = np.arange(len(table))
    pairs = build_pairs(people, table, rates, np.zeros(len(table), np.int64), cols, Context.constant(len(table), "app"))
    assert np.isfinite(ranker.score(pairs)).all()


@pytest.mark.parametrize("name", ["lightgbm", "logistic"])
def test_those_that_learn_beat_the_popular_order(name):
    learnt, fresh = random_pairs(150, 3_000, seed=1), random_pairs(80, 1_500, seed=2)
    rankers = [RANKERS[kind].fit(*learnt, OPTIONS) for kind in (name, "popular")]
    pairs, labels = fresh
    ours, popular = (ranker.score(pairs) for ranker in rankers)
    assert ours[labels > 0].mean() > 2 * ours[labels == 0].mean()
    assert popular[labels > 0].mean() < 1.5 * popular[labels == 0].mean()
