import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.errors import NotEnoughData
from mia.evaluation.splits import split_by_time


@given(
    days=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    share=st.floats(0.05, 0.5),
    gap=st.integers(0, 10),
)
def test_what_is_tested_lies_later_than_what_was_learnt(days, share, gap):
    days = np.asarray(days)
    first = np.sort(days)[min(int(len(days) * (1 - share)), len(days) - 1)]
    if not (days < first - gap).any():
        with pytest.raises(NotEnoughData, match=f"gap of {gap} days"):
            split_by_time(days, share, gap=gap)
        return
    earlier, later = split_by_time(days, share, gap=gap)
    assert days[earlier].max() + gap < days[later].min()
    # Whole days, so that the share is what was asked for or more.
    assert len(later) == (days >= days[later].min()).sum() >= share * len(days) - 1
    assert set(np.flatnonzero((days >= days[later].min() - gap) & (days < days[later].min()))).isdisjoint(earlier)


def test_days_that_are_too_few_are_refused():
    with pytest.raises(NotEnoughData):
        split_by_time(np.asarray([5, 5, 6]), 0.2, gap=14)
