import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.evaluation.intervals import bootstrap
from mia.evaluation.metrics import auc, log_loss, ndcg
from mia.evaluation.paired import (
    Gain,
    WeightedAuc,
    auc_difference,
    estimate_gains,
    log_loss_difference,
    ndcg_difference,
)


def rows(seed: int, count: int = 400):
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.2).astype(float)
    good = np.clip(labels * 0.3 + rng.random(count) * 0.5, 0.01, 0.99)
    poor = np.clip(labels * 0.1 + rng.random(count) * 0.7, 0.01, 0.99)
    groups = np.sort(rng.integers(0, count // 4, count))
    return good, poor, labels, groups, groups // 2


@given(st.integers(0, 10_000))
def test_weights_are_repeated_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, 6, 30) / 6, rng.integers(0, 2, 30).astype(float)
    weights = rng.integers(0, 4, 30)
    repeated = np.repeat(np.arange(30), weights)
    found = WeightedAuc(scores, labels)(weights.astype(float))
    assert found == pytest.approx(auc(scores[repeated], labels[repeated]), nan_ok=True)


def test_gains_are_differences_of_the_metrics() -> None:
    good, poor, labels, groups, cluster = rows(3)
    found = estimate_gains(
        {
            "auc": auc_difference(good, poor, labels),
            "log_loss": log_loss_difference(good, poor, labels),
            "ndcg": ndcg_difference(good, poor, labels, groups, 3),
        },
        cluster,
    )
    assert found["auc"].value == pytest.approx(auc(good, labels) - auc(poor, labels))
    assert found["log_loss"].value == pytest.approx(log_loss(poor, labels) - log_loss(good, labels))
    assert found["ndcg"].value == pytest.approx(ndcg(good, labels, groups, 3) - ndcg(poor, labels, groups, 3))
    for gain in found.values():
        assert gain.low < gain.value < gain.high
        assert gain.upper_end(1) < gain.upper_end(50)


def test_the_interval_is_that_of_resampled_rows() -> None:
    good, poor, labels, _, cluster = rows(5, 1_000)
    ours = estimate_gains({"auc": auc_difference(good, poor, labels)}, cluster, draws=400)["auc"]
    theirs = bootstrap(
        lambda taken: auc(good[taken], labels[taken]) - auc(poor[taken], labels[taken]), cluster, draws=400, seed=8
    )
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.25 * width
    assert abs(ours.high - theirs.high) < 0.25 * width


def test_a_scoring_against_itself_gains_nothing() -> None:
    good, _, labels, _, cluster = rows(1)
    gain = estimate_gains({"auc": auc_difference(good, good, labels)}, cluster)["auc"]
    assert (gain.value, gain.low, gain.high, gain.spread) == (0, 0, 0, 0)


def test_what_cannot_be_measured_is_no_number() -> None:
    scores, cluster = np.asarray([0.1, 0.2]), np.asarray([0, 1])
    gain = estimate_gains({"auc": auc_difference(scores, scores, np.zeros(2))}, cluster)["auc"]
    assert np.isnan([gain.value, gain.low, gain.high]).all()
    assert estimate_gains({}, np.zeros(0, np.int64)) == {}
    again = Gain.from_json({"value": None, "low": None, "high": 1.0, "spread": 0.0})
    assert (np.isnan(again.value), again.high) == (True, 1.0)
