import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.evaluation.drift import MOST_ROWS, drift_of, sample_rows, stability_index


def test_it_is_the_sum_over_bins_by_hand() -> None:
    earlier = np.repeat([0.0, 1.0], 5_000)
    later = np.repeat([0.0, 1.0], [2_500, 7_500])
    expected = (0.25 - 0.5) * np.log(0.25 / 0.5) + (0.75 - 0.5) * np.log(0.75 / 0.5)
    assert stability_index(earlier, later) == pytest.approx(expected, abs=1e-3)


def test_missing_values_have_a_bin_of_their_own() -> None:
    earlier = np.arange(1_000.0)
    later = earlier.copy()
    later[::2] = np.nan
    assert stability_index(earlier, later) > 1
    assert stability_index(np.full(500, np.nan), np.full(900, np.nan)) == pytest.approx(0, abs=1e-3)
    assert np.isnan(stability_index(np.zeros(0), earlier))


@given(st.integers(0, 1_000), st.floats(-3, 3), st.floats(0.1, 5))
def test_it_is_never_negative_and_knows_no_scale(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    earlier, later = rng.normal(0, 1, 500), rng.normal(shift, 1, 300)
    found = stability_index(earlier, later)
    assert found >= 0
    assert stability_index(earlier * scale, later * scale) == pytest.approx(found, rel=1e-6)


def test_columns_come_by_name_the_most_moved_first() -> None:
    rng = np.random.default_rng(1)
    earlier = rng.normal(0, 1, (2_000, 3))
    later = rng.normal([0, 2, 0.5], 1, (2_000, 3))
    assert list(drift_of(("a", "b", "c"), earlier, later)) == ["b", "c", "a"]


def test_many_rows_are_sampled_and_few_are_not() -> None:
    assert sample_rows(np.arange(10)).tolist() == list(range(10))
    taken = sample_rows(np.arange(2 * MOST_ROWS))
    assert len(np.unique(taken)) == MOST_ROWS
    assert (np.diff(taken) > 0).all()
