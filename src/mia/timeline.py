"""Days and months as plain integers that every engine computes alike, and timestamps in microseconds.

A *day* is the number of local days since 1970-01-01; a *month* is `year * 12 + (month of year - 1)`.
"""

from datetime import UTC, date, datetime, timedelta

DAY_SECONDS = 86_400
MICROSECONDS = 1_000_000
EPOCH = date(1970, 1, 1)


def day_of(value: date) -> int:
    """Day number of a date.

    >>> day_of(date(1970, 1, 2))
    1
    """
    return (value - EPOCH).days


def day_of_text(text: str) -> int:
    """Day number of `YYYY-MM-DD`; raises ValueError on what is no date.

    >>> day_of_text("1970-01-02")
    1
    """
    return day_of(date.fromisoformat(text))


def date_of(day: int) -> date:
    """Date of a day number; the inverse of `day_of`.

    >>> date_of(18_628).isoformat()
    '2021-01-01'
    """
    return EPOCH + timedelta(days=day)


def month_of(day: int) -> int:
    """Month number of a day number.

    >>> month_text(month_of(18_628))
    '2021-01'
    """
    value = date_of(day)
    return value.year * 12 + value.month - 1


def month_text(month: int) -> str:
    """Month number as `YYYY-MM`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def month_number(text: str) -> int:
    """Month number of `YYYY-MM`; raises ValueError on what is no month.

    >>> month_number("2021-03") - month_number("2020-12")
    3
    """
    value = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    return value.year * 12 + value.month - 1


def month_start(month: int) -> int:
    """Day number of the first day of a month.

    >>> month_start(month_number("2021-01"))
    18628
    """
    return day_of(date(month // 12, month % 12 + 1, 1))


def epoch_micros(value: datetime) -> int:
    """Microseconds since the epoch of an aware timestamp; a naive one is read as UTC.

    >>> epoch_micros(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def timestamp_of(micros: int) -> datetime:
    """Aware UTC timestamp of microseconds since the epoch; the inverse of `epoch_micros`."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
