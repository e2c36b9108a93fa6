import numpy as np
import pyarrow as pa
import pytest

from mia.errors import InvalidInput
from mia.timeline import month_number, month_start
from mia.uptake.counting import CELL_KEYS
from mia.uptake.growth import Series, Span, build_series, build_table, require_dimension, require_month
from mia.uptake.headline import Headline

JANUARY = month_number("2021-01")
SPAN = Span(month_start(JANUARY) + 3, month_start(JANUARY + 3) + 9)


def some_cells() -> pa.Table:
    rows = [
        (JANUARY, "Kurgan", "impression", 50),
        (JANUARY, "Kurgan", "connection", 4),
        (JANUARY + 2, "Kurgan", "connection", 2),
        (JANUARY + 2, "Kurgan", "disconnection", 1),
        (JANUARY + 1, "Rostov", "click", 7),
        (JANUARY + 3, "Rostov", "connection", 5),
        (JANUARY + 3, None, "connection", 1),
    ]
    columns = {name: pa.array(["x"] * len(rows)) for name in CELL_KEYS}
    columns |= {
        "month": pa.array([row[0] for row in rows], pa.int64()),
        "region": pa.array([row[1] for row in rows]),
        "kind": pa.array([row[2] for row in rows]),
        "count": pa.array([row[3] for row in rows], pa.int64()),
    }
    return pa.table(columns)


def test_months_without_events_hold_zeros_and_cumulative_lines_are_continuous() -> None:
    table = build_table(build_series(some_cells(), SPAN, "region"), SPAN, JANUARY, None, None)
    kurgan = table.filter(pa.compute.equal(table["group"], "Kurgan"))
    assert kurgan["month"].to_pylist() == ["2021-01", "2021-02", "2021-03", "2021-04"]
    assert kurgan["impressions"].to_pylist() == [50, 0, 0, 0]
    assert kurgan["connections"].to_pylist() == [4, 0, 2, 0]
    assert kurgan["disconnections"].to_pylist() == [0, 0, 1, 0]
    assert kurgan["cumulative"].to_pylist() == [4, 4, 6, 6]
    assert kurgan["index"].to_pylist() == [1.0, 1.0, 1.5, 1.5]
    assert kurgan["growth_percent"].to_pylist() == [0.0, 0.0, 50.0, 50.0]
    assert kurgan["complete"].to_pylist() == [True, True, True, False]


def test_a_group_without_connections_by_the_baseline_has_no_index() -> None:
    table = build_table(build_series(some_cells(), SPAN, "region"), SPAN, JANUARY, None, None)
    rostov = table.filter(pa.compute.equal(table["group"], "Rostov"))
    assert rostov["cumulative"].to_pylist() == [0, 0, 0, 5]
    assert rostov["index"].null_count == 4
    assert rostov["growth_percent"].null_count == 4
    assert not any(value is not None and np.isnan(value) for value in table["index"].to_pylist())


def test_months_before_the_baseline_lie_below_it() -> None:
    series = build_series(some_cells(), SPAN, None)
    assert series.index(JANUARY + 3).tolist() == [[4 / 12, 4 / 12, 6 / 12, 1.0]]


def test_events_without_a_value_have_a_group_of_their_own() -> None:
    series = build_series(some_cells(), SPAN, "region")
    assert series.groups == (None, "Kurgan", "Rostov")
    total = build_series(some_cells(), SPAN, None)
    assert total.groups == ("total",)
    assert np.array_equal(series.counts.sum(axis=0), total.counts[0])


def test_the_shown_months_leave_cumulative_figures_as_they_are() -> None:
    series = build_series(some_cells(), SPAN, None)
    whole = build_table(series, SPAN, JANUARY, None, None)
    part = build_table(series, SPAN, JANUARY, JANUARY + 1, JANUARY + 2)
    assert part.equals(whole.slice(1, 2))
    assert build_table(series, SPAN, JANUARY, JANUARY + 9, None).num_rows == 0


def test_the_order_is_by_month_and_then_by_group() -> None:
    table = build_table(build_series(some_cells(), SPAN, "region"), SPAN, JANUARY, JANUARY, JANUARY + 1)
    assert list(zip(table["month"].to_pylist(), table["group"].to_pylist(), strict=True)) == [
        ("2021-01", None),
        ("2021-01", "Kurgan"),
        ("2021-01", "Rostov"),
        ("2021-02", None),
        ("2021-02", "Kurgan"),
        ("2021-02", "Rostov"),
    ]


def test_a_december_is_complete_in_january() -> None:
    december = month_number("2020-12")
    assert not Span(month_start(december), month_start(JANUARY) - 1).is_complete(december)
    assert Span(month_start(december), month_start(JANUARY)).is_complete(december)


@pytest.mark.parametrize("text", ["2021-13", "2021-1", "january", "", "2021-01-01", "0000-01"])
def test_a_month_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="such as 2021-01") as caught:
        require_month(text, "baseline")
    assert caught.value.parameter == "baseline"


def test_a_dimension_that_there_is_not() -> None:
    assert require_dimension("offer") == "offer_id"
    assert require_dimension(None) is None
    with pytest.raises(InvalidInput, match="region, macro_region, offer, channel, arm") as caught:
        require_dimension("colour")
    assert caught.value.parameter == "by"


def test_the_index_of_a_series_without_groups() -> None:
    series = Series((), JANUARY, np.zeros((0, 4, 4), np.int64))
    assert build_table(series, SPAN, JANUARY, None, None).num_rows == 0


def test_a_headline_that_would_divide_by_zero() -> None:
    none = Headline("Urals", "2021-01", "2021-06", 0, 0, 0, 0, complete=False)
    assert (none.index, none.growth_percent, none.monthly_growth_percent) == (None, None, None)
    assert none.sentence == "Urals: no connections up to 2021-06."
    fresh = Headline("Urals", "2021-01", "2021-06", 0, 3, 0, 3, complete=False)
    assert "no growth to tell" in fresh.sentence
    assert fresh.sentence.endswith("2021-06 is not complete yet.")
