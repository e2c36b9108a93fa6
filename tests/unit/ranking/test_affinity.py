from dataclasses import replace

import numpy as np
import orjson
import pytest
from tests.fakes.frames import offer, random_pairs

from mia.ranking.affinity import Affinity
from mia.ranking.calibration import expit
from mia.ranking.lines import FOLDS, Scale, Sides, squeeze
from mia.ranking.offer_table import OfferTable
from mia.ranking.schema import AFFINITY, FeatureSchema

TABLE = OfferTable.build([offer("night", "data"), offer("day", "data"), offer("films", "films")])
APPEAL = np.asarray([2.0, -2.0, 0.0])


@pytest.fixture(scope="module")
def world():
    """Night owls take `night`, others `day`; films are for all alike."""
    rng = np.random.default_rng(3)
    owl = rng.normal(0, 1, 2_000)
    rows, cols = rng.integers(0, 2_000, 30_000), rng.integers(0, 3, 30_000)
    chance = expit(-2.5 + APPEAL[cols] * owl[rows])
    labels = (rng.random(30_000) < chance).astype(float)
    sides = Sides(np.sinh(owl)[:, None], rows, rng.normal(0, 1, (30_000, 1)), cols)
    return sides, labels, chance, rows % FOLDS


def test_each_offer_gets_a_line_of_its_own(world):
    sides, labels, chance, folds = world
    affinity, unseen = Affinity.fit(sides, labels, TABLE, folds)
    night, day, films = affinity.lines(TABLE)[:, 1]
    assert day < -0.1 < films < 0.25 < night
    for log_odds in (unseen, affinity.score(sides, TABLE)):
        assert np.corrcoef(log_odds, np.log(chance / (1 - chance)))[0, 1] > 0.9


def test_an_offer_without_history_has_the_line_of_its_category(world):
    sides, labels, _, folds = world
    affinity, _ = Affinity.fit(sides, labels, TABLE, folds)
    later = OfferTable.build([offer("new", "films"), offer("strange", "space"), offer("night", "data")])
    new, strange, night = affinity.lines(later)
    np.testing.assert_array_equal(new, affinity.by_category["films"].astype("f4"))
    np.testing.assert_array_equal(strange, affinity.common.astype("f4"))
    np.testing.assert_array_equal(night, affinity.by_offer["night"].astype("f4"))


def test_a_row_is_scored_without_its_own_answer(world):
    sides, labels, _, _ = world
    folds = np.arange(len(labels)) % FOLDS
    _, before = Affinity.fit(sides, labels, TABLE, folds)
    flipped = labels.copy()
    flipped[:3_000] = 1 - flipped[:3_000]
    noise = Sides(np.zeros_like(sides.people), sides.rows, np.arange(len(labels))[:, None] % 7.0, sides.cols)
    _, unseen = Affinity.fit(noise, labels, TABLE, folds)
    # Without any signal, what was seen of a row would show as a correlation with its label.
    assert abs(np.corrcoef(unseen, labels)[0, 1] - _between(unseen, labels, sides.cols)) < 0.03
    _, after = Affinity.fit(sides, flipped, TABLE, folds)
    assert not np.array_equal(before[3_000:], after[3_000:])


def _between(log_odds, labels, cols):
    """The correlation that the mean of each offer alone explains."""
    means = np.asarray([log_odds[cols == col].mean() for col in range(3)])[cols]
    return np.corrcoef(means, labels)[0, 1] if means.std() > 0 else 0.0


def test_rows_are_scored_alike_alone_and_together(world):
    sides, labels, _, folds = world
    affinity, _ = Affinity.fit(sides, labels, TABLE, folds)
    together = affinity.score(sides, TABLE)
    some = np.asarray([5, 17, 29_999])
    alone = Sides(sides.people, sides.rows[some], sides.pairs[some], sides.cols[some])
    assert np.array_equal(affinity.score(alone, TABLE), together[some])


def test_it_comes_back_from_json(world):
    sides, labels, _, folds = world
    affinity, _ = Affinity.fit(sides, labels, TABLE, folds)
    text = orjson.dumps(affinity.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)
    again = Affinity.from_json(orjson.loads(text))
    assert np.array_equal(again.score(sides, TABLE), affinity.score(sides, TABLE))


def test_missing_counts_as_the_mean_and_a_constant_for_nothing():
    scale = Scale.fit(np.asarray([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]]))
    units = scale.apply(np.asarray([[np.nan, 9.0], [1e30, -9.0]]))
    assert units[0].tolist() == [0.0, 0.0]
    assert units[1].tolist() == [4.0, 0.0]
    assert squeeze(np.asarray([-np.e + 1])).round(6).tolist() == [-1.0]


def test_the_schema_carries_the_lines():
    pairs, labels = random_pairs(60, 400, seed=5)
    plain = FeatureSchema.fit(pairs, labels, "f1")
    schema, unseen = plain.with_affinity(pairs, labels)
    place = schema.names.index(AFFINITY)
    assert schema.names == (*plain.names[: -len(plain.shown)], AFFINITY, *plain.shown)
    assert schema.training_matrix(pairs, labels, unseen)[:, place].tolist() == unseen.tolist()
    matrix = schema.matrix(pairs)
    assert np.array_equal(np.delete(matrix, place, axis=1), plain.matrix(pairs), equal_nan=True)
    again = FeatureSchema.from_json(orjson.loads(orjson.dumps(schema.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)))
    assert np.array_equal(again.matrix(pairs), matrix, equal_nan=True)
    bare = replace(pairs, profiles=replace(pairs.profiles, attributes={}))
    assert np.isfinite(schema.matrix(bare)[:, place]).all()
    for name, at in schema.places.items():
        assert schema.names[at] == name


def test_the_contribution_of_the_affinity_goes_to_what_it_is_made_of():
    pairs, labels = random_pairs(60, 400, seed=5)
    schema, _ = FeatureSchema.fit(pairs, labels, "f1").with_affinity(pairs, labels)
    at = schema.names.index(AFFINITY)
    given = np.random.default_rng(1).normal(0, 1, (len(pairs), len(schema.names)))
    found = schema.spread(schema.terms(pairs), given)
    np.testing.assert_allclose(found.sum(axis=1), given.sum(axis=1))
    moved = (found - given)[:, list(schema.places.values())]
    assert (moved * given[:, [at]] >= 0).all()
    assert np.abs(moved).sum() > 0
    untouched = [place for place in range(len(schema.names)) if place not in {at, *schema.places.values()}]
    assert np.array_equal(found[:, untouched], given[:, untouched])
    terms = schema.affinity.terms(schema.sides(pairs), pairs.offers)
    np.testing.assert_allclose(terms.sum(axis=1), schema.affinity.score(schema.sides(pairs), pairs.offers), atol=1e-4)
