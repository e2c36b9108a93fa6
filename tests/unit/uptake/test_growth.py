import numpy as np
import pyarrow as pa
import pytest

from mia.errors import InvalidInput
from mia.timeline import month_number, month_start
from mia.uptake.dimensions import build_groups, codes_of, require_dimensions
from mia.uptake.growth import Series, Span, build_series, build_table, name_unknown, require_month
from mia.uptake.headline import Headline
from mia.uptake.periods import GRAINS, require_grain

JANUARY = month_number("2021-01")
SPAN = Span(month_start(JANUARY) + 3, month_start(JANUARY + 3) + 9)
REGIONS = build_groups("region", ["Rostov", "Kurgan"], {})
KURGAN, ROSTOV, NONE = 2, 1, 0


def some_sums() -> pa.Table:
    rows = [
        (month_start(JANUARY) + 3, KURGAN, "impressions", 50),
        (month_start(JANUARY) + 3, KURGAN, "accepted", 5),
        (month_start(JANUARY) + 20, KURGAN, "connections", 4),
        (month_start(JANUARY + 2), KURGAN, "connections", 2),
        (month_start(JANUARY + 2) + 9, KURGAN, "disconnections", 1),
        (month_start(JANUARY + 1), ROSTOV, "clicks", 7),
        (month_start(JANUARY + 3), ROSTOV, "connections", 5),
        (month_start(JANUARY + 3), NONE, "connections", 1),
    ]
    columns = {"local_day": [row[0] for row in rows], "region": [row[1] for row in rows]}
    for measure in ("impressions", "clicks", "connections", "disconnections", "accepted"):
        columns[measure] = [row[3] if row[2] == measure else 0 for row in rows]
    return pa.table(columns)


def some_series(baseline: int = JANUARY, matured_day: int | None = None, grain: str = "month") -> Series:
    return build_series(some_sums(), SPAN, [REGIONS], baseline=baseline, matured_day=matured_day, grain=GRAINS[grain])


def some_table(**options) -> pa.Table:
    return build_table(some_series(), SPAN, **({"small_base": 1} | options))


def total() -> Series:
    return build_series(some_sums().drop("region"), SPAN, [], baseline=JANUARY, matured_day=None)


def test_months_without_events_hold_zeros_and_cumulative_lines_are_continuous() -> None:
    table = some_table()
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
    table = some_table()
    rostov = table.filter(pa.compute.equal(table["group"], "Rostov"))
    assert rostov["cumulative"].to_pylist() == [0, 0, 0, 5]
    assert rostov["index"].null_count == 4
    assert rostov["growth_percent"].null_count == 4
    assert not any(value is not None and np.isnan(value) for value in table["index"].to_pylist())


def test_months_before_the_baseline_lie_below_it() -> None:
    series = build_series(some_sums().drop("region"), SPAN, [], baseline=JANUARY + 3, matured_day=None)
    assert series.index().tolist() == [[4 / 12, 4 / 12, 6 / 12, 1.0]]
    table = build_table(series, SPAN, small_base=1)
    assert table["since_baseline"].to_pylist() == [None, None, None, 6]
    assert table["since_baseline_index"].to_pylist() == [None, None, None, 1.0]


def test_events_without_a_value_have_a_group_of_their_own() -> None:
    series = some_series()
    assert series.groups == ((None,), ("Kurgan",), ("Rostov",))
    assert total().groups == (("total",),)
    assert np.array_equal(series.connections.sum(axis=0), total().connections[0])
    assert name_unknown(some_table())["group"].to_pylist()[0] == "(unknown)"


def test_the_shown_months_leave_cumulative_figures_as_they_are() -> None:
    whole, series = build_table(total(), SPAN), total()
    assert build_table(series, SPAN, start=JANUARY + 1, end=JANUARY + 2).equals(whole.slice(1, 2))
    assert build_table(series, SPAN, start=JANUARY + 9).num_rows == 0


def test_small_bases_are_marked_and_carry_no_percentages() -> None:
    table = some_table(small_base=4)
    kurgan = table.filter(pa.compute.equal(table["group"], "Kurgan"))
    assert kurgan["index"].to_pylist() == [1.0, 1.0, 1.5, 1.5]
    assert not any(kurgan["small_base"].to_pylist())
    wilder = some_table(small_base=5)
    assert wilder["index"].null_count == wilder.num_rows
    assert wilder["since_baseline_growth_percent"].null_count == wilder.num_rows
    assert all(wilder["small_base"].to_pylist())
    assert wilder["cumulative"].equals(table["cumulative"])


def test_acceptance_is_that_of_matured_impressions() -> None:
    young = build_table(some_series(matured_day=month_start(JANUARY) + 2), SPAN, small_base=1)
    assert young["matured_impressions"].to_pylist()[1] == 0
    assert young["acceptance_percent"].null_count == young.num_rows
    old = build_table(some_series(matured_day=month_start(JANUARY) + 3), SPAN, small_base=50)
    assert (old["matured_impressions"].to_pylist()[1], old["accepted_impressions"].to_pylist()[1]) == (50, 5)
    assert old["acceptance_percent"].to_pylist()[1] == 10.0
    assert build_table(some_series(matured_day=20_000), SPAN, small_base=51)["acceptance_percent"].null_count == 12


def test_per_thousand_active_subscribers() -> None:
    active = np.array([[0] * 4, [10] * 4, [500] * 4])
    table = some_table(active=active, small_base=11)
    april = table.filter(pa.compute.equal(table["month"], "2021-04"))
    assert april["active_subscribers"].to_pylist() == [0, 10, 500]
    assert april["per_1000_active"].to_pylist() == [None, None, 10.0]


def test_net_of_disconnections() -> None:
    assert build_table(total(), SPAN)["net_active"].to_pylist() == [4, 4, 5, 11]


def test_weeks_and_days() -> None:
    weeks = build_table(some_series(grain="week"), SPAN, small_base=1)
    assert weeks.column_names[0] == "week"
    assert weeks["week"].to_pylist()[::3][:2] == ["2021-W01", "2021-W02"]
    assert sum(weeks["connections"].to_pylist()) == 12
    # A week that begins in January and ends in February is shown with both.
    for month in (JANUARY, JANUARY + 1):
        part = build_table(some_series(grain="week"), SPAN, start=month, end=month)
        assert "2021-W05" not in part["week"].to_pylist() or month == JANUARY + 1
    days = build_table(some_series(grain="day"), SPAN, start=JANUARY + 2, end=JANUARY + 2, small_base=1)
    assert (days["day"].to_pylist()[0], days["day"].to_pylist()[-1]) == ("2021-03-01", "2021-03-31")
    assert days["index"].to_pylist()[1] == 1.5
    with pytest.raises(InvalidInput, match="month, week, day"):
        require_grain("year")


def test_two_dimensions_at_once() -> None:
    arms = build_groups("arm", ["mia"], {})
    sums = some_sums().add_column(2, "arm", pa.array([1, 1, 1, 0, 1, 1, 1, 1]))
    series = build_series(sums, SPAN, [REGIONS, arms], baseline=JANUARY, matured_day=None)
    assert series.groups == ((None, "mia"), ("Kurgan", None), ("Kurgan", "mia"), ("Rostov", "mia"))
    table = build_table(series, SPAN)
    assert table.column_names[:3] == ["month", "group", "subgroup"]
    assert sum(table["connections"].to_pylist()) == 12


def test_categories_are_those_of_offers() -> None:
    categories = {"a": "music", "b": "video", "c": "music"}
    groups = build_groups("category", ["b", "a", "gone"], categories)
    assert groups.names == (None, "music", "video")
    assert groups.place == (0, 2, 1, 0)
    assert codes_of("category", ["music"], ["b", "a", "gone"], categories) == [2]
    assert codes_of("category", [None], ["b", "a", "gone"], categories) == [0, 3]


def test_the_order_is_by_month_and_then_by_group() -> None:
    table = some_table(start=JANUARY, end=JANUARY + 1)
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
    assert require_dimensions("offer,arm") == ("offer", "arm")
    for asked in ("colour", "region,colour", "region,region", "region,arm,offer"):
        with pytest.raises(InvalidInput) as caught:
            require_dimensions(asked)
        assert caught.value.parameter == "by"


def test_a_headline_that_would_divide_by_zero() -> None:
    none = Headline("Urals", "2021-01", "2021-06", 0, 0, 0, 0, complete=False)
    assert (none.index, none.growth_percent, none.monthly_growth_percent) == (None, None, None)
    assert none.sentence == "Urals: no connections up to 2021-06."
    fresh = Headline("Urals", "2021-01", "2021-06", 0, 3, 0, 3, complete=False)
    assert "no growth to tell" in fresh.sentence
    assert fresh.sentence.endswith("2021-06 is not complete yet.")


def test_a_headline_of_a_small_base_shows_no_growth() -> None:
    small = Headline("Urals", "2021-01", "2021-06", 29, 60, 29, 300, True, 30)
    assert (small.index, small.growth_percent, small.since_baseline_growth_percent) == (None, None, None)
    large = Headline("Urals", "2021-01", "2021-06", 100, 150, 400, 600, True, 30)
    assert (large.growth_percent, large.since_baseline, large.since_baseline_growth_percent) == (50.0, 300, 200.0)
