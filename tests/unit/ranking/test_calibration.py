import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from mia.evaluation.metrics import log_loss
from mia.ranking.calibration import RIDGE, Calibration, expit, logit

CHANCES = st.lists(st.floats(1e-6, 1 - 1e-6), min_size=2, max_size=50)


def drawn(seed: int, intercept: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.0, 8.0, 40_000)
    return scores, (rng.random(40_000) < expit(intercept + slope * logit(scores))).astype(float)


@given(chances=CHANCES, intercept=st.floats(-3, 3), slope=st.floats(0.05, 3))
def test_the_order_is_kept(chances, intercept, slope):
    scores = np.sort(np.asarray(chances))
    assert (np.diff(Calibration(intercept, slope).apply(scores)) >= 0).all()


@given(CHANCES)
def test_the_neutral_one_changes_nothing(chances):
    np.testing.assert_allclose(Calibration().apply(np.asarray(chances)), chances, rtol=1e-9)


@pytest.mark.parametrize(("intercept", "slope"), [(0.8, 1.0), (-1.0, 0.5), (0.0, 2.0)])
def test_it_finds_the_distortion_and_improves_the_log_loss(intercept, slope):
    scores, labels = drawn(3, intercept, slope)
    found = Calibration.fit(scores, labels)
    assert found.intercept == pytest.approx(intercept, abs=0.15)
    assert found.slope == pytest.approx(slope, abs=0.15)
    assert log_loss(found.apply(scores), labels) < log_loss(scores, labels) - 0.003
    fresh, answers = drawn(4, intercept, slope)
    assert log_loss(found.apply(fresh), answers) < log_loss(fresh, answers) - 0.003
    assert found.apply(scores).mean() == pytest.approx(labels.mean(), abs=1e-4)


def test_it_is_the_minimum_that_another_optimiser_finds():
    scores, labels = drawn(5, -0.4, 0.7)

    def penalised(weights: np.ndarray) -> float:
        chance = expit(weights[0] + weights[1] * logit(scores))
        distance = weights[0] ** 2 + (weights[1] - 1) ** 2
        return len(scores) * log_loss(chance, labels) + RIDGE / 2 * distance

    best = minimize(penalised, [0.0, 1.0], tol=1e-10).x
    found = Calibration.fit(scores, labels)
    np.testing.assert_allclose([found.intercept, found.slope], best, atol=1e-4)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_answer_only_still_gives_chances(label):
    scores = np.linspace(0.01, 0.2, 40)
    found = Calibration.fit(scores, np.full(40, label)).apply(scores)
    assert ((found >= 0) & (found <= 1)).all()


def test_scores_that_rank_backwards_are_left_alone():
    scores = np.asarray([0.1, 0.2, 0.8, 0.9] * 20)
    assert Calibration.fit(scores, (scores < 0.5).astype(float)) == Calibration()


def test_certainty_stays_finite():
    found = logit(np.asarray([0.0, 1.0]))
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(-found[1], rel=1e-6)
