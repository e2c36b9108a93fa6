"""The rows that windows add up: days of the roll-up, with the columns that only windows need."""

from datetime import timedelta

from ibis.expr.types import BooleanValue, NumericValue, Table

from mia.profiles.exact import QUANTITY_GRAINS, WHOLE_KIND, whole
from mia.tables import KIND, LOCAL_DAY
from mia.timeline import date_of, day_of

PAY_DAYS = (5, 10, 20, 25)
STEP_BYTES = 65_536.0


def is_weekend(day: NumericValue) -> BooleanValue:
    """Whether a day number is a Saturday or Sunday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7 >= 5


def pay_days(first: int, last: int) -> list[int]:
    """The day numbers between two, both included, that fall on PAY_DAYS of their month.

    >>> [date_of(day).isoformat() for day in pay_days(day_of(date_of(18628)), 18640)]
    ['2021-01-05', '2021-01-10']
    """
    days = (date_of(first) + timedelta(days=number) for number in range(last - first + 1))
    return [day_of(day) for day in days if day.day in PAY_DAYS]


def with_calendar(days: Table, first: int, last: int) -> Table:
    """Roll-up rows of the days from `first` to `last` with parts that depend on the calendar, and squares."""
    step = (days[KIND] == WHOLE_KIND).ifelse(STEP_BYTES, QUANTITY_GRAINS)
    steps = whole(days["quantity"] / step)
    return days.mutate(
        weekend_quantity=is_weekend(days[LOCAL_DAY]).ifelse(days["quantity"], 0.0),
        pay_day_records=days[LOCAL_DAY].isin(pay_days(first, last)).ifelse(days["records"], 0.0),
        steps=steps,
        steps_squared=steps * steps,
    )
