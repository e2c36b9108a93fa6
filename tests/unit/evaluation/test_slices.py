from dataclasses import asdict

import numpy as np
import orjson
import pytest

from mia.evaluation.measures import Scored
from mia.evaluation.metrics import auc
from mia.evaluation.slices import Slice, SliceFacts, SliceRules, measure_slices, slice_masks

COUNT = 3_000
RULES = SliceRules(minimum_rows=300, minimum_positives=10)


def facts(rng: np.random.Generator) -> SliceFacts:
    region = np.asarray(["Kurgan", "Rostov", "Tomsk", None], object)[rng.choice(4, COUNT, p=[0.5, 0.4, 0.02, 0.08])]
    return SliceFacts(
        rng.integers(0, 300, COUNT).astype(float),
        rng.integers(0, 5, COUNT).astype(float),
        rng.integers(0, 2_000, COUNT).astype(float),
        region,
        np.asarray(["app", "web"], object)[rng.integers(0, 2, COUNT)],
        np.where(region == "Tomsk", 30.0, 5_000.0),
    )


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(6)
    found = facts(rng)
    labels = (rng.random(COUNT) < 0.15).astype(float)
    reference = rng.random(COUNT) * 0.3
    scores = np.where(found.region == "Rostov", reference - 0.1 * labels, reference + 0.3 * labels).clip(0.01, 0.99)
    rows = Scored(labels, np.arange(COUNT), np.arange(COUNT) // 3)
    return (
        found,
        scores,
        reference,
        labels,
        {one.name: one for one in measure_slices(found, scores, reference, rows, RULES)},
    )


def test_every_kind_region_and_channel_is_there(measured) -> None:
    found, *_, slices = measured
    assert list(slices) == [
        "new subscribers",
        "no usage",
        "new offers",
        "thin regions",
        "region Kurgan",
        "region Rostov",
        "region Tomsk",
        "channel app",
        "channel web",
    ]
    assert slices["new subscribers"].rows == (found.tenure_days < 30).sum()
    assert slices["thin regions"].rows == slices["region Tomsk"].rows == (found.region == "Tomsk").sum()
    assert slices["new offers"].about == "under 200 impressions of the offer before"


def test_figures_are_those_of_the_rows(measured) -> None:
    found, scores, reference, labels, slices = measured
    mask = found.channel == "app"
    one = slices["channel app"]
    assert one.auc == auc(scores[mask], labels[mask])
    assert one.reference_auc == auc(reference[mask], labels[mask])
    assert one.auc_gain.value == pytest.approx(one.auc - one.reference_auc)
    assert one.observed == pytest.approx(labels[mask].mean())


def test_a_slice_that_loses_is_seen_though_all_gain(measured) -> None:
    *_, slices = measured
    assert slices["region Rostov"].auc_gain.high < 0
    assert slices["region Kurgan"].auc_gain.low > 0


def test_small_slices_have_no_figures(measured) -> None:
    *_, slices = measured
    for name in ("region Tomsk", "thin regions"):
        assert slices[name].rows > 0
        assert slices[name].auc is None
        assert slices[name].auc_gain is None


def test_they_come_back_from_json(measured) -> None:
    *_, slices = measured
    for one in slices.values():
        assert Slice.from_json(orjson.loads(orjson.dumps(asdict(one)))) == one


def test_slices_do_not_depend_on_each_other() -> None:
    rng = np.random.default_rng(1)
    masks = slice_masks(facts(rng), SliceRules(new_subscriber_days=0))
    assert not masks["new subscribers"][1].any()
    assert masks["no usage"][1].any()
    with pytest.raises(ValueError, match="new_offer_impressions must not be negative"):
        SliceRules(new_offer_impressions=-1)
