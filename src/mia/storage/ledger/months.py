"""Months of decisions: partitions on PostgreSQL, and the bounds that retention cuts at on both databases."""

from sqlalchemy import Connection, text

from mia.timeline import DAY_SECONDS, MICROSECONDS, month_of, month_start, month_text

_DAY = DAY_SECONDS * MICROSECONDS


def month_of_micros(micros: int) -> int:
    """Month number (UTC) of microseconds since the epoch.

    >>> month_of_micros(31 * 86_400 * 1_000_000) - month_of_micros(0)
    1
    """
    return month_of(micros // _DAY)


def start_of_month(month: int) -> int:
    """Microseconds since the epoch at which a month begins, UTC.

    >>> start_of_month(month_of_micros(0))
    0
    """
    return month_start(month) * _DAY


def create_month(connection: Connection, month: int) -> bool:
    """Make the partition of a month, and tell whether it was not there yet. The caller is the only writer."""
    name = f"decisions_{month_text(month).replace('-', '_')}"
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is not None:
        return False
    # Attached rather than created in place, which would wait for everybody who reads decisions.
    connection.execute(text(f"CREATE TABLE {name} (LIKE decisions INCLUDING DEFAULTS)"))
    bounds = f"FROM ({start_of_month(month)}) TO ({start_of_month(month + 1)})"
    connection.execute(text(f"ALTER TABLE decisions ATTACH PARTITION {name} FOR VALUES {bounds}"))
    return True


def drop_months(connection: Connection, before: int) -> None:
    """Drop the partitions of months before this one."""
    for name in partitions(connection):
        if name < f"decisions_{month_text(before).replace('-', '_')}":
            connection.execute(text(f"DROP TABLE {name}"))


def partitions(connection: Connection) -> list[str]:
    """Names of the partitions, oldest first."""
    found = connection.execute(
        text(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = 'decisions'::regclass ORDER BY relname"
        )
    )
    return [row[0] for row in found]
