"""The compiled form against LightGBM itself: random forests on rows at and beside their thresholds."""

from itertools import product

import cloudpickle
import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mia.ranking.forest import Block, Forest, Shared, UnsupportedForest
from mia.ranking.forest.forest import PART

COLUMNS = 9


def boosted(seed: int, **given) -> lightgbm.Booster:
    """A forest on columns of all kinds: with zeros, missing values, few values, and halves that are all missing."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(0.0, 10.0, (600, COLUMNS))
    matrix[:, 1] = rng.integers(0, 4, 600)
    matrix[rng.random((600, COLUMNS)) < 0.3] = 0.0
    matrix[rng.random((600, COLUMNS)) < rng.choice([0.0, 0.2], COLUMNS)] = np.nan
    labels = (np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 1]) * rng.random(600) > 1.0).astype(float)
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": seed, "min_data_in_leaf": 3}
    return lightgbm.train({**options, **given}, lightgbm.Dataset(matrix, labels), num_boost_round=12)


def blocks(rows: np.ndarray) -> list[Block]:
    return [Block(rows, np.arange(rows.shape[1]))]


FORESTS = st.builds(
    boosted,
    st.integers(0, 10_000),
    num_leaves=st.sampled_from([2, 5, 15, 63, 130]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    extra_trees=st.booleans(),
    learning_rate=st.sampled_from([0.05, 0.5]),
)


@settings(max_examples=25)
@given(booster=FORESTS)
def test_every_bit_is_that_of_lightgbm(booster):
    forest = Forest.parse(booster.model_to_string())
    rows = forest.probes(200)
    raw, chance = booster.predict(rows, raw_score=True), booster.predict(rows)
    assert np.array_equal(forest.raw(len(rows), blocks(rows)), raw)
    assert np.array_equal(forest.predict(len(rows), blocks(rows)), chance)


def readable(forest: Forest) -> np.ndarray:
    """Probes in single precision, as serving makes its rows."""
    with np.errstate(over="ignore"):
        return forest.probes(61).astype(np.float32)


SMALL = st.builds(
    boosted,
    st.integers(0, 10_000),
    num_leaves=st.sampled_from([2, 5]),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    learning_rate=st.sampled_from([0.05, 0.5]),
)


@settings(max_examples=15)
@given(booster=SMALL)
def test_contributions_of_short_paths_are_exact(booster):
    forest = Forest.parse(booster.model_to_string())
    rows = readable(forest)
    exact = booster.predict(rows, pred_contrib=True)
    np.testing.assert_allclose(forest.contributions(rows), exact[:, :-1], rtol=1e-4, atol=2e-5)


@settings(max_examples=15)
@given(booster=FORESTS)
def test_contributions_of_long_paths_are_near(booster):
    forest = Forest.parse(booster.model_to_string())
    rows = readable(forest)
    exact = booster.predict(rows, pred_contrib=True)[:, :-1]
    np.testing.assert_allclose(forest.contributions(rows), exact, atol=0.02 * np.abs(exact).max() + 1e-5)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5])
def test_a_row_is_explained_alike_among_any_others(count):
    forest = Forest.parse(boosted(6, num_leaves=31).model_to_string())
    rows = readable(forest)
    assert np.array_equal(forest.contributions(rows[:count]), forest.contributions(rows)[:count])


@settings(max_examples=15)
@given(booster=FORESTS, seed=st.integers(0, 1_000), pairs=st.integers(1, 90))
def test_blocks_that_pairs_share_change_nothing(booster, seed, pairs):
    forest, rng = Forest.parse(booster.model_to_string()), np.random.default_rng(seed)
    people, offers = forest.probes(7)[:, :4], forest.probes(5)[:, 4:6]
    own = forest.probes(pairs)[:, 6:].astype(np.float32)
    rows, cols = rng.integers(0, 7, pairs), rng.integers(0, 5, pairs)
    matrix = np.hstack([people[rows], offers[cols], own.astype(float)])
    given = [
        Block(people, np.arange(4), rows),
        Block(np.asfortranarray(offers), np.asarray([4, 5]), cols),
        Block(own, np.arange(6, COLUMNS)),
    ]
    expected = booster.predict(matrix, raw_score=True)
    assert np.array_equal(forest.raw(pairs, given), expected)
    kept = [given[0], forest.share(given[1]), given[2]]
    assert np.array_equal(forest.raw(pairs, kept), expected)


@pytest.mark.parametrize(
    "lay", [lambda index: np.stack([index, index + 1], axis=1)[:, 0], lambda index: index.astype(np.int32)]
)
def test_an_index_may_lie_in_memory_as_it_likes(lay):
    booster = boosted(5)
    forest = Forest.parse(booster.model_to_string())
    people, offers, index = forest.probes(8)[:, :4], forest.probes(8)[:, 4:], np.arange(60) * 5 % 7
    expected = booster.predict(np.hstack([people[index], offers[index]]), raw_score=True)
    given = [Block(people, np.arange(4), lay(index)), Block(offers, np.arange(4, COLUMNS), lay(index))]
    assert np.array_equal(forest.raw(60, given), expected)
    kept = [Shared(forest.share(one).words, one.index) for one in given]
    assert np.array_equal(forest.raw(60, kept), expected)


def test_threads_change_nothing():
    booster = boosted(1)
    forest = Forest.parse(booster.model_to_string())
    rows = np.resize(forest.probes(100), (3 * PART + 7, COLUMNS))
    assert np.array_equal(forest.raw(len(rows), blocks(rows), 2), booster.predict(rows, raw_score=True))
    assert len(forest.raw(0, blocks(rows[:0]))) == 0


def test_it_travels_to_other_processes():
    booster = boosted(2)
    forest = Forest.parse(booster.model_to_string())
    rows = forest.probes(10)
    before = forest.raw(10, blocks(rows))
    assert np.array_equal(cloudpickle.loads(cloudpickle.dumps(forest)).raw(10, blocks(rows)), before)


def test_a_forest_of_stumps_without_a_split_is_a_constant():
    rows = np.zeros((50, 2))
    options = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(rows, np.arange(50) % 2), num_boost_round=2)
    forest = Forest.parse(booster.model_to_string())
    assert np.array_equal(forest.predict(50, blocks(rows)), booster.predict(rows))
    assert not forest.contributions(rows).any()


@pytest.mark.parametrize("objective", ["lambdarank", "regression"])
def test_other_objectives_have_no_sigmoid(objective):
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(200, 3))
    data = lightgbm.Dataset(matrix, (matrix[:, 0] > 0).astype(float), group=[20] * 10)
    booster = lightgbm.train({"objective": objective, "verbosity": -1, "num_threads": 1}, data, num_boost_round=5)
    forest = Forest.parse(booster.model_to_string())
    assert np.array_equal(forest.predict(200, blocks(matrix)), booster.predict(matrix))


def test_what_only_lightgbm_evaluates_is_refused():
    rng = np.random.default_rng(3)
    matrix = np.hstack([rng.integers(0, 5, (300, 1)), rng.normal(size=(300, 2))])
    labels = (matrix[:, 0] == 2).astype(float)
    for options, more in (
        ({"objective": "multiclass", "num_class": 2}, {}),
        ({"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, {}),
        ({"objective": "poisson"}, {}),
        ({"objective": "regression", "linear_tree": True}, {}),
        ({"objective": "binary", "min_data_per_group": 1, "cat_smooth": 1}, {"categorical_feature": [0]}),
    ):
        data = lightgbm.Dataset(matrix, labels, **more)
        booster = lightgbm.train({**options, "verbosity": -1, "num_threads": 1}, data, num_boost_round=3)
        with pytest.raises(UnsupportedForest):
            Forest.parse(booster.model_to_string())


def test_zeros_that_are_missing_at_some_nodes_only_are_refused():
    texts = [boosted(4, zero_as_missing=flag, num_leaves=31).model_to_string() for flag in (True, False)]
    first, second = (text.split("\nTree=") for text in texts)
    with pytest.raises(UnsupportedForest, match="zeros"):
        Forest.parse("\nTree=".join([*first, *second[1:]]))


@pytest.mark.parametrize(("kind", "shared"), list(product([np.float32, np.float64, np.int64], [True, False])))
def test_blocks_may_lie_in_any_way(kind, shared):
    booster = boosted(5)
    forest = Forest.parse(booster.model_to_string())
    rows = np.asfortranarray(np.arange(8 * COLUMNS).reshape(8, COLUMNS) % 23).astype(kind, order="F")
    index = (np.arange(80, dtype=np.int32) % 8)[::2] if shared else None
    matrix = rows.astype(float) if index is None else rows[index].astype(float)
    found = forest.raw(len(matrix), [Block(rows, np.arange(COLUMNS), index)])
    assert np.array_equal(found, booster.predict(matrix, raw_score=True))
