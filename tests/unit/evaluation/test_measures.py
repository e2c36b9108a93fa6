import numpy as np
import orjson
import pytest

from mia.evaluation.measures import Measures, Scored, auc_gain, measure
from mia.evaluation.metrics import auc, calibration_error, log_loss, ndcg


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    return Scored((rng.random(300) < 0.2).astype(float), np.arange(300) // 3, np.arange(300) // 10)


def test_a_row_of_figures_is_each_figure(rows):
    scores = np.random.default_rng(3).random(300)
    found = measure(scores, rows)
    assert found.auc.value == auc(scores, rows.labels)
    assert found.auc.low < found.auc.value < found.auc.high
    assert found.log_loss == log_loss(scores, rows.labels)
    assert found.ndcg_at_3 == ndcg(scores, rows.labels, rows.slates, 3)
    assert found.calibration_error == calibration_error(scores, rows.labels)
    assert Measures.from_json(orjson.loads(orjson.dumps(found.to_json()))) == found


def test_a_gain_is_paired(rows):
    scores = np.random.default_rng(4).random(300)
    nothing = auc_gain(scores, scores, rows)
    assert (nothing.value, nothing.low, nothing.high) == (0.0, 0.0, 0.0)
    better = scores + 0.5 * rows.labels
    gain = auc_gain(better, scores, rows)
    assert gain.low > 0
    assert gain.value == pytest.approx(auc(better, rows.labels) - auc(scores, rows.labels))
