import numpy as np
import orjson
import pytest

from mia.evaluation.measures import MEASURES_SCHEMA, Measures, Scored, auc_gain, measure, measures_table
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


def test_figures_of_several_rankers_are_a_table_in_their_order(rows):
    rng = np.random.default_rng(5)
    found = {name: measure(rng.random(300), rows) for name in ("mia", "popular")}
    table = measures_table(found)
    assert table.schema == MEASURES_SCHEMA
    assert table["ranker"].to_pylist() == ["mia", "popular"]
    second = table.to_pylist()[1]
    assert (second["auc_low"], second["auc_high"]) == (found["popular"].auc.low, found["popular"].auc.high)
    assert second["calibration_error"] == found["popular"].calibration_error
