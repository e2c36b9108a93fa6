"""Volumes on a grid, and what is usual."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mia.quality.grid import LEAST_WEEKS, WEEK, build_grid, history_days, usual_of

VALUES = arrays(
    np.float64, st.tuples(st.integers(1, 80), st.integers(1, 2)), elements=st.integers(0, 9) | st.just(np.nan)
)


@given(values=VALUES, weeks=st.integers(3, 9), gap=st.integers(1, 4))
def test_usual_is_the_median_of_the_same_weekday_in_the_weeks_before(values: np.ndarray, weeks: int, gap: int) -> None:
    expected = np.full(values.shape, np.nan)
    for day, place in np.ndindex(*values.shape):
        before = [values[day - WEEK * week, place] for week in range(gap, gap + weeks) if day >= WEEK * week]
        known = [value for value in before if not np.isnan(value)]
        if len(known) >= LEAST_WEEKS:
            expected[day, place] = np.median(known)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(usual_of(values, weeks, gap=gap), expected)


def cells(rows: list[tuple[int, str, str, int]]) -> pa.Table:
    names = ("local_day", "kind", "region", "records")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def test_a_grid_is_dense_and_sums_to_its_levels() -> None:
    grid = build_grid(cells([(10, "data", "K", 3), (12, "sms", "R", 4), (12, "data", "R", 1)]), judged_from=11, weeks=8)
    assert (grid.start, grid.judged, grid.end, grid.days.tolist()) == (10, 11, 12, [11, 12])
    assert grid.fine.records.tolist() == [[[0, 0], [0, 0]], [[0, 1], [0, 4]]]
    assert grid.by_kind.records[:, :, 0].tolist() == [[0, 0], [1, 4]]
    assert grid.by_region.records[:, 0].tolist() == [[0, 0], [0, 5]]
    assert grid.total.records.ravel().tolist() == [0, 5]
    assert build_grid(cells([(10, "data", "K", 3)]), judged_from=2, weeks=8).judged == 10


def test_kinds_that_follow_the_month_are_held_against_months() -> None:
    days = range(history_days(3) + 1)
    bursts = [(day, "fee", "K", 140 if day % 28 == 0 else 0) for day in days]
    grid = build_grid(cells(bursts + [(day, "data", "K", 140) for day in days]), judged_from=0, weeks=3)
    level = grid.by_kind
    assert level.kinds == ("data", "fee")
    assert level.volume[-1].ravel().tolist() == [140.0, 5.0]
    assert level.usual[-1].ravel().tolist() == [140.0, 5.0]
    assert level.completeness[-1].ravel().tolist() == pytest.approx([1.0, 1.0])
    # History reaches just far enough for the oldest of the weeks asked for.
    shorter = build_grid(cells(bursts[1:-1]), judged_from=0, weeks=3)
    assert not np.isnan(level.usual[-1, 1, 0])
    assert np.isnan(level.usual[26 + 28 + 14, 1, 0])
    assert np.isnan(shorter.by_kind.usual[26 + 28 + 14, 0, 0])
