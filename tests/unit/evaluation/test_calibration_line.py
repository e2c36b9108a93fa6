import numpy as np
import pytest

from mia.evaluation.calibration_line import fit_line


def world(intercept: float, slope: float, count: int = 40_000):
    """Labels whose log odds are a line in those stated."""
    rng = np.random.default_rng(2)
    odds = rng.normal(-2, 1, count)
    chance = 1 / (1 + np.exp(-(intercept + slope * odds)))
    return 1 / (1 + np.exp(-odds)), (rng.random(count) < chance).astype(float), np.arange(count)


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (0.3, 0.6), (-0.2, 1.4), (0.0, -0.5)])
def test_a_known_line_is_found(intercept: float, slope: float) -> None:
    line = fit_line(*world(intercept, slope))
    assert line.low < slope < line.high
    assert line.slope == pytest.approx(slope, abs=0.06)
    assert line.intercept == pytest.approx(intercept, abs=0.15)
    assert (line.deviation == 0) == (slope == 1.0)


def test_rows_of_one_subscriber_are_not_so_many() -> None:
    scores, labels, _ = world(0.0, 1.0, 2_000)
    alone = fit_line(scores, labels, np.arange(2_000))
    copied = fit_line(np.tile(scores, 5), np.tile(labels, 5), np.tile(np.arange(2_000), 5))
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=1e-6)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [([0.1, 0.2, 0.3], [0, 0, 0]), ([0.1, 0.1, 0.1], [0, 1, 0]), ([], [])],
)
def test_without_a_line_there_is_no_slope(scores: list[float], labels: list[float]) -> None:
    line = fit_line(np.asarray(scores, float), np.asarray(labels, float), np.arange(len(scores)))
    assert np.isnan(line.slope)


def test_scores_that_part_the_labels_end_all_the_same() -> None:
    line = fit_line(np.asarray([0.1, 0.2, 0.8, 0.9]), np.asarray([0.0, 0.0, 1.0, 1.0]), np.arange(4))
    assert np.isfinite(line.slope)
    assert line.slope > 1
