from dataclasses import replace

import numpy as np
import orjson
import pytest
from tests.fakes.frames import objects, random_pairs

from mia.errors import UnreadableModel
from mia.ranking.calibration import logit
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lightgbm import LightGBMRanker

OPTIONS = FitOptions("f1", seed=3, threads=1, trees=200, minimum_leaf=20)


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(120, 2_000, seed=4)


@pytest.fixture(scope="module")
def ranker(learnt):
    return LightGBMRanker.fit(*learnt, OPTIONS)


def trees(ranker, folder):
    ranker.save(folder)
    return (folder / "model-0.txt").read_text().count("Tree=")


def test_it_stops_when_the_latest_pairs_gain_no_more(ranker, learnt, tmp_path):
    assert 0 < trees(ranker, tmp_path) < OPTIONS.trees
    assert trees(ranker.refit(*learnt, OPTIONS), tmp_path) == trees(ranker, tmp_path)


def test_contributions_add_up_to_the_score_before_calibration(ranker, learnt):
    pairs, _ = learnt
    parts = ranker.contributions(pairs, np.arange(len(pairs)))
    assert parts.shape == (len(pairs), len(ranker.schema.names))
    raw = logit(ranker.score(pairs)) - ranker.calibration.intercept
    offsets = raw / ranker.calibration.slope - parts.sum(axis=1)
    np.testing.assert_allclose(offsets, offsets[0], atol=1e-6)


def test_its_places_name_profile_and_pair_features(ranker, learnt):
    pairs, _ = learnt
    assert set(ranker.places) == {*pairs.profiles.names, *pairs.names}


def test_gains_are_shares_of_all_columns(ranker):
    gains = ranker.gains()
    assert set(gains) == set(ranker.schema.names)
    assert sum(gains.values()) == pytest.approx(1.0)
    assert list(gains.values()) == sorted(gains.values(), reverse=True)


def test_columns_may_have_any_name(learnt):
    pairs, labels = learnt
    people = pairs.profiles
    odd = {
        'доход, "руб": [2021]': objects([1.0, None] * 60),
        "a b": objects(["x", "y"] * 60),
        "position": objects([3.0] * 120),
    }
    given = replace(pairs, profiles=replace(people, attributes={**people.attributes, **odd}))
    ranker = LightGBMRanker.fit(given, labels, replace(OPTIONS, trees=5))
    assert np.isfinite(ranker.score(given)).all()
    assert np.isfinite(ranker.score(pairs)).all()


def test_an_attribute_as_good_as_an_id_does_not_spoil_the_order(learnt):
    pairs, labels = learnt
    people = pairs.profiles
    # The later pairs are not seen in the fit: an id that only memorises tells nothing about them.
    earlier, later = np.arange(1_400), np.arange(1_400, 2_000)
    named = replace(
        people, attributes={**people.attributes, "card": objects([f"c{row}" for row in range(len(people))])}
    )

    def order(given):
        scores = LightGBMRanker.fit(given.take(earlier), labels[earlier], OPTIONS).score(given.take(later))
        taken, left = scores[labels[later] > 0], scores[labels[later] == 0]
        return (taken[:, None] > left[None, :]).mean()

    assert order(replace(pairs, profiles=named)) > order(pairs) - 0.03


def test_too_few_pairs_for_a_split_still_give_a_model(learnt, tmp_path):
    pairs, labels = learnt
    few = LightGBMRanker.fit(pairs.take(np.arange(30)), labels[:30], FitOptions("f1", threads=1))
    assert len(set(few.score(pairs).tolist())) == 1
    assert trees(few, tmp_path) == 1


@pytest.mark.parametrize("damage", ["gone", "cut", "cut among trees", "nonsense", "other head", "no head"])
def test_damaged_files_are_refused_by_name(ranker, tmp_path, damage):
    ranker.save(tmp_path)
    model, head = tmp_path / "model-0.txt", tmp_path / "ranker.json"
    match damage:
        case "gone":
            model.unlink()
        case "cut":
            model.write_bytes(model.read_bytes()[:300])
        case "cut among trees":
            model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
        case "nonsense":
            model.write_text("no trees")
        case "other head":
            head.write_bytes(orjson.dumps({"bags": 1, "schema": {}, "calibration": {}}))
        case "no head":
            head.write_text("{")
    with pytest.raises(UnreadableModel, match="train again") as caught:
        LightGBMRanker.load(tmp_path)
    assert caught.value.folder == str(tmp_path)
