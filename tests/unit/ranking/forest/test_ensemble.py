import cloudpickle
import numpy as np
import pytest
from tests.unit.ranking.forest.test_forest import COLUMNS, boosted

from mia.ranking.forest import Block, Ensemble, Forest, StoredBoosters, ensemble, join, layout, splits


@pytest.fixture
def given():
    boosters = [boosted(seed) for seed in (1, 2, 3)]
    with np.errstate(over="ignore"):
        rows = Forest.parse(boosters[0].model_to_string()).probes(80).astype(np.float32)
    index = np.arange(80) % 5
    matrix = np.hstack([rows[:5, :4][index], rows[:, 4:]])
    blocks = [Block(rows[:5, :4], np.arange(4), index, lasting=True), Block(rows[:, 4:].copy(), np.arange(4, COLUMNS))]
    return boosters, blocks, matrix


def test_bags_are_averaged(given):
    boosters, blocks, matrix = given
    found = Ensemble(boosters)
    assert found.is_compiled
    assert np.array_equal(found.predict(80, blocks), np.mean([one.predict(matrix) for one in boosters], axis=0))
    exact = np.mean([one.predict(matrix, pred_contrib=True) for one in boosters], axis=0)
    np.testing.assert_allclose(found.contributions(matrix), exact[:, :-1], atol=0.02 * np.abs(exact).max())


def test_blocks_join_to_the_matrix(given):
    _, blocks, matrix = given
    assert np.array_equal(join(80, blocks), matrix, equal_nan=True)


def test_what_lasts_is_kept_and_another_takes_its_place(given):
    boosters, blocks, _ = given
    found = Ensemble(boosters[:1])
    first = found.predict(80, blocks)
    assert np.array_equal(found.predict(80, blocks), first)
    other = [Block(blocks[0].values[::-1].copy(), blocks[0].features, 4 - blocks[0].index, lasting=True), blocks[1]]
    assert np.array_equal(found.predict(80, other), first)


def test_without_the_compiled_form_lightgbm_scores(given, monkeypatch):
    boosters, blocks, matrix = given
    compiled = Ensemble(boosters)
    chance, parts = compiled.predict(80, blocks), compiled.contributions(matrix)
    monkeypatch.setattr(ensemble, "evaluator", lambda: None)
    native = Ensemble(boosters)
    assert not native.is_compiled
    assert np.array_equal(native.predict(80, blocks), chance)
    np.testing.assert_allclose(native.contributions(matrix), parts, atol=0.02 * np.abs(parts).max())


def test_a_form_that_differs_is_not_used(given, monkeypatch, caplog):
    boosters, blocks, matrix = given
    monkeypatch.setattr(Forest, "raw", lambda self, rows, parts, threads=1: np.zeros(rows))
    found = Ensemble(boosters[:1])
    assert not found.is_compiled
    assert np.array_equal(found.predict(80, blocks), boosters[0].predict(matrix))
    assert "differs from LightGBM" in caplog.text


def test_it_travels_to_other_processes(given):
    boosters, blocks, _ = given
    found = Ensemble(boosters)
    before = found.predict(80, blocks)
    assert np.array_equal(cloudpickle.loads(cloudpickle.dumps(found)).predict(80, blocks), before)


def test_what_is_prepared_parses_nothing_later(given, monkeypatch):
    boosters, blocks, matrix = given
    found = Ensemble(boosters)
    found.prepare()
    for part in (ensemble.Forest, layout.Masks, splits.Splits):
        for name in ("parse", "build"):
            monkeypatch.setattr(part, name, None, raising=False)
    assert np.isfinite(found.predict(80, blocks)).all()
    assert np.isfinite(found.contributions(matrix)).all()


@pytest.fixture
def stored(given):
    return StoredBoosters([one.model_to_string() for one in given[0]])


def test_with_its_answers_the_compiled_form_needs_no_lightgbm(given, stored, monkeypatch):
    boosters, blocks, _ = given
    known = Ensemble(boosters)
    monkeypatch.setattr(StoredBoosters, "_made", property(lambda _: pytest.fail("LightGBM was asked")))
    found = Ensemble(stored, known.answers)
    found.prepare()
    assert found.is_compiled
    assert np.array_equal(found.predict(80, blocks), known.predict(80, blocks))
    assert np.array_equal(cloudpickle.loads(cloudpickle.dumps(found)).predict(80, blocks), found.predict(80, blocks))


def test_other_answers_are_asked_for_again(given, stored, monkeypatch):
    _, blocks, matrix = given
    asked, native_answer = [], ensemble._answer
    monkeypatch.setattr(ensemble, "_answer", lambda *given: asked.append(given) or native_answer(*given))
    found = Ensemble(stored, ["0" * 64] * 3)
    assert found.is_compiled
    assert len(asked) == 3
    assert np.array_equal(found.predict(80, blocks), np.mean([one.predict(matrix) for one in stored], axis=0))


def test_a_form_that_differs_is_not_used_whatever_was_stored(given, stored, monkeypatch):
    answers = Ensemble(given[0]).answers
    monkeypatch.setattr(Forest, "raw", lambda self, rows, parts, threads=1: np.zeros(rows))
    assert not Ensemble(stored, answers).is_compiled


def test_without_the_evaluator_boosters_are_made_at_once(stored, monkeypatch):
    monkeypatch.setattr(ensemble, "evaluator", lambda: None)
    Ensemble(stored).prepare()
    assert "_made" in vars(stored)
    assert stored[0].num_trees() == stored[:1][0].num_trees()


def test_a_text_that_lightgbm_cannot_read_is_no_model():
    with pytest.raises(ValueError, match="Model file"):
        Ensemble(StoredBoosters(["no trees"])).prepare()
