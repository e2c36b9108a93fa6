"""Days, months and moments as integers."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia import timeline
from mia.timeline import (
    date_of,
    day_of,
    day_of_text,
    epoch_micros,
    month_number,
    month_of,
    month_start,
    month_text,
    timestamp_of,
)

EARLY = datetime(1900, 1, 1)  # noqa: DTZ001 - bounds have no zone of their own
dates = st.dates()


@given(dates)
def test_days_and_dates_are_inverses(value: date) -> None:
    assert date_of(day_of(value)) == value
    assert day_of_text(value.isoformat()) == day_of(value)


@given(dates, st.integers(0, 400))
def test_days_count_by_one(value: date, days: int) -> None:
    if value.toordinal() + days <= date.max.toordinal():
        assert day_of(value + timedelta(days=days)) == day_of(value) + days


@given(st.dates(date(1000, 1, 1)))
def test_a_day_lies_in_its_month(value: date) -> None:
    month = month_of(day_of(value))
    assert month_text(month) == f"{value:%Y-%m}"
    assert month_number(month_text(month)) == month
    assert date_of(month_start(month)) == value.replace(day=1)
    if value < date(9999, 12, 1):
        assert month_start(month) <= day_of(value) < month_start(month + 1)


def test_months_count_across_years() -> None:
    assert month_number("2021-01") - month_number("2019-11") == 14
    assert [month_text(month_number("2020-11") + n) for n in range(4)] == ["2020-11", "2020-12", "2021-01", "2021-02"]


@given(st.datetimes(EARLY, EARLY.replace(year=2200), timezones=st.timezones() | st.just(UTC)))
def test_moments_keep_their_instant(value: datetime) -> None:
    assert timestamp_of(epoch_micros(value)) == value.astimezone(UTC)
    assert timestamp_of(epoch_micros(value)).tzinfo is UTC


def test_a_moment_without_a_zone_is_utc_and_an_offset_counts() -> None:
    naive = datetime(2021, 7, 1, 0, 0, 0, 1)  # noqa: DTZ001 - the naive one is what is tested
    assert epoch_micros(naive) == epoch_micros(naive.replace(tzinfo=UTC))
    ahead = naive.replace(tzinfo=timezone(timedelta(hours=5)))
    assert epoch_micros(naive) - epoch_micros(ahead) == 5 * 3600 * timeline.MICROSECONDS
    assert epoch_micros(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -timeline.MICROSECONDS


@pytest.mark.parametrize("text", ["", "2021", "2021-13", "2021-00", "July", "2021-01-01-01"])
def test_what_is_no_date_or_month_is_refused(text: str) -> None:
    for read in (month_number, day_of_text):
        with pytest.raises(ValueError, match=r"."):
            read(text)
