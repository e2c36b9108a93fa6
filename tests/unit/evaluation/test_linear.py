import numpy as np
import pytest

from mia.evaluation.linear import auc_gain_of, auc_influence, log_loss_gain_of
from mia.evaluation.metrics import auc
from mia.evaluation.paired import auc_difference, estimate_gains, log_loss_difference


def rows(count: int = 3_000):
    rng = np.random.default_rng(9)
    cluster = np.sort(rng.integers(0, count // 5, count))
    labels = (rng.random(count) < 0.15).astype(float)
    good = np.round(np.clip(labels * 0.2 + rng.random(count) * 0.6, 0.01, 0.99), 2)
    return good, np.clip(labels * 0.1 + rng.random(count) * 0.7, 0.01, 0.99), labels, cluster


@pytest.mark.parametrize(
    ("linear", "resampled"), [(auc_gain_of, auc_difference), (log_loss_gain_of, log_loss_difference)]
)
def test_intervals_are_those_of_resampling(linear, resampled) -> None:
    good, poor, labels, cluster = rows()
    found = linear(good, poor, labels, cluster)
    drawn = estimate_gains({"it": resampled(good, poor, labels)}, cluster, draws=600)["it"]
    assert found.value == pytest.approx(drawn.value)
    assert found.spread == pytest.approx(drawn.spread, rel=0.12)
    assert found.low == pytest.approx(drawn.low, abs=0.4 * drawn.spread)
    assert found.high == pytest.approx(drawn.high, abs=0.4 * drawn.spread)


def test_influence_is_the_effect_of_leaving_a_row_out() -> None:
    good, _, labels, _ = rows(400)
    influence = auc_influence(good, labels)
    assert influence.sum() == pytest.approx(0, abs=1e-12)
    whole = auc(good, labels)
    for row in (int(np.flatnonzero(labels)[0]), int(np.flatnonzero(labels == 0)[0])):
        kept = np.delete(np.arange(400), row)
        assert whole - auc(good[kept], labels[kept]) == pytest.approx(influence[row], rel=0.05, abs=1e-6)
