import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from mia.evaluation.metrics import auc, calibration_error, log_loss, ndcg, reliability

TIED = st.integers(0, 6).map(lambda score: score / 6)
ROWS = st.lists(st.tuples(TIED, st.booleans(), st.integers(0, 4)), min_size=1, max_size=40)


def columns(rows):
    scores, labels, groups = (np.asarray([row[side] for row in rows], float) for side in range(3))
    return scores, labels, groups.astype(int)


@given(ROWS)
def test_auc_is_the_share_of_pairs_in_order(rows):
    scores, labels, _ = columns(rows)
    taken, left = scores[labels > 0], scores[labels == 0]
    if not len(taken) or not len(left):
        assert np.isnan(auc(scores, labels))
        return
    wins = sum((one > other) + 0.5 * (one == other) for one in taken for other in left)
    assert auc(scores, labels) == pytest.approx(wins / (len(taken) * len(left)))
    assert auc(scores, labels) == pytest.approx(sk.roc_auc_score(labels, scores))


@given(ROWS)
def test_log_loss_is_that_of_scikit_learn(rows):
    scores, labels, _ = columns(rows)
    inner = np.clip(scores, 0.01, 0.99)
    assert log_loss(inner, labels) == pytest.approx(sk.log_loss(labels, inner, labels=[0.0, 1.0]))


def test_log_loss_of_a_certain_error_is_large_but_finite():
    assert 30 < log_loss(np.asarray([0.0]), np.asarray([1.0])) < 40


def ndcg_by_hand(scores, labels, groups, k):
    found = []
    for group in sorted(set(groups.tolist())):
        rows = [row for row in range(len(scores)) if groups[row] == group]
        if sum(labels[rows]) == 0:
            continue
        by_score = sorted(rows, key=lambda row: -scores[row])[:k]
        best = sorted(rows, key=lambda row: -labels[row])[:k]
        gained, ideal = (
            sum(labels[row] / np.log2(place + 2) for place, row in enumerate(order)) for order in (by_score, best)
        )
        found.append(gained / ideal)
    return float(np.mean(found)) if found else float("nan")


@given(rows=ROWS, k=st.integers(1, 5))
def test_ndcg_is_that_worked_out_group_by_group(rows, k):
    scores, labels, groups = columns(rows)
    found, expected = ndcg(scores, labels, groups, k), ndcg_by_hand(scores, labels, groups, k)
    assert found == pytest.approx(expected, nan_ok=True)


def test_ndcg_agrees_with_scikit_learn_where_nothing_ties():
    rng = np.random.default_rng(3)
    scores, labels = rng.permutation(200) / 200, (rng.random(200) < 0.4).astype(float)
    groups = np.repeat(np.arange(20), 10)
    each = [
        sk.ndcg_score(labels[None, groups == group], scores[None, groups == group], k=3)
        for group in range(20)
        if labels[groups == group].any()
    ]
    assert ndcg(scores, labels, groups, 3) == pytest.approx(np.mean(each))


@given(rows=ROWS, bins=st.integers(1, 6))
def test_calibration_error_is_the_mean_distance_over_bins(rows, bins):
    scores, labels, _ = columns(rows)
    order = sorted(range(len(rows)), key=lambda row: scores[row])
    count = min(bins, len(rows))
    sizes = [len(rows) // count + (place < len(rows) % count) for place in range(count)]
    distance, start = 0.0, 0
    for size in sizes:
        part = order[start : start + size]
        distance += size / len(rows) * abs(np.mean(scores[part]) - np.mean(labels[part]))
        start += size
    assert calibration_error(scores, labels, bins) == pytest.approx(distance)
    assert sum(one.share for one in reliability(scores, labels, bins)) == pytest.approx(1.0)


def test_a_reliability_curve_runs_from_low_to_high():
    scores = np.asarray([0.9, 0.1, 0.2, 0.8])
    low, high = reliability(scores, np.asarray([1.0, 0.0, 1.0, 1.0]), bins=2)
    assert (low.share, low.stated, low.observed) == (0.5, pytest.approx(0.15), 0.5)
    assert (high.share, high.stated, high.observed) == (0.5, pytest.approx(0.85), 1.0)
