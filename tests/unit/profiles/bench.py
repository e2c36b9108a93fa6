"""The profile queries on records in memory, without lake or workspace."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from ibis.expr.types import Table
from tests.unit.profiles.reference.people import Person, Record

from mia.intake.subscribers import KNOWN_TIMEZONE
from mia.intake.usage import usage_plan
from mia.profiles.daily import BY_KEY, BY_KIND, ENGINE_TYPES, complete, merge_known, roll_up, roll_up_keys
from mia.profiles.features import WINDOW_COLUMNS, build_features
from mia.profiles.keys import build_usage_keys, sum_keys
from mia.profiles.windows import sum_windows
from mia.tables import AS_OF, KNOWN_DAY, LAKE_USAGE, LOCAL_DAY, LOCAL_HOUR, SUBSCRIBER_ID
from mia.timeline import day_of

FIRST, LAST = day_of(date(2020, 6, 1)), day_of(date(2022, 6, 1))
"""Bounds of the days as of which the bench can be asked."""

USAGE = ibis.table({column.name: ENGINE_TYPES[column.dtype] for column in LAKE_USAGE.columns}, name="usage")
EMPTY_USAGE = USAGE.schema().to_pyarrow()
DAILY = ibis.table(roll_up(complete(USAGE)).schema(), name="daily")
DAILY_KEYS = ibis.table(roll_up_keys(complete(USAGE)).schema(), name="daily_keys")
SPINE = ibis.table({SUBSCRIBER_ID: "string", AS_OF: "int64"}, name="spine")
PEOPLE = ibis.table(
    {
        SUBSCRIBER_ID: "string",
        "activated_on": "date",
        "tariff_data_mb": "float64",
        "tariff_voice_minutes": "float64",
        "tariff_sms": "int64",
    },
    name="people",
)


def seen_days(daily: Table, by: tuple[str, ...]) -> Table:
    """Roll-up rows with each as_of that knows them, one a day."""
    joined = daily.inner_join(SPINE, [SUBSCRIBER_ID])
    rows = joined.filter(joined[LOCAL_DAY] < joined[AS_OF], joined[KNOWN_DAY] < joined[AS_OF])
    return merge_known(rows, by=(*by, AS_OF))


def sql(expression: Table) -> str:
    return ibis.to_sql(expression, dialect="duckdb")


ROLL_UP, ROLL_UP_KEYS = sql(roll_up(complete(USAGE))), sql(roll_up_keys(complete(USAGE)))
WINDOWS = sum_windows(seen_days(DAILY, BY_KIND), WINDOW_COLUMNS, FIRST, LAST)
KEYS = sum_keys(seen_days(DAILY_KEYS, BY_KEY))
SUMS, KEY_SUMS = ibis.table(WINDOWS.schema(), name="sums"), ibis.table(KEYS.schema(), name="key_sums")
SUM_WINDOWS, SUM_KEYS = sql(WINDOWS), sql(KEYS)
FEATURES = sql(build_features(SUMS, KEY_SUMS, PEOPLE, SPINE))
USAGE_KEYS = sql(build_usage_keys(KEY_SUMS))


class Bench:
    """One connection on which records become usage, days, window sums and features."""

    def __init__(self, threads: int = 1) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute(f"SET threads = {threads}")

    def run(self, query: str, **tables: pa.Table) -> pa.Table:
        """Run SQL over named tables."""
        for name, table in tables.items():
            self.connection.register(name, table)
        return self.connection.sql(query).to_arrow_table()

    def usage(self, people: Sequence[Person], records: Sequence[Record]) -> pa.Table:
        """Records as the lake keeps them: local day and hour by the SQL of intake."""
        zones = {person.subscriber_id: person.zone for person in people}
        rows = [
            dict(zip((field.name for field in fields(record)), astuple(record), strict=True))
            | {KNOWN_TIMEZONE: zones[record.subscriber_id]}
            for record in records
        ]
        derived = usage_plan((), 0).derived
        query = (
            f'SELECT * EXCLUDE (occurred_at, late_days, "{KNOWN_TIMEZONE}"), '
            f"{derived[LOCAL_DAY][1]} AS local_day, {derived[LOCAL_HOUR][1]} AS local_hour, "
            f"local_day + late_days AS known_day, epoch_us(occurred_at) // 1000000 AS occurred_at, "
            f"NULL::VARCHAR AS record_id, 1 AS version FROM given"
        )
        return self.run(query, given=pa.Table.from_pylist(rows, GIVEN)).select(EMPTY_USAGE.names).cast(EMPTY_USAGE)

    def daily(self, *usage: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Both roll-ups of parts of the usage that share no day."""
        by_kind = pa.concat_tables(self.run(ROLL_UP, usage=part) for part in usage)
        return by_kind, pa.concat_tables(self.run(ROLL_UP_KEYS, usage=part) for part in usage)

    def sums(
        self, daily: tuple[pa.Table, pa.Table], ids: Sequence[str], days: Sequence[date]
    ) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Window sums and key sums of some ids as of some days, and the spine of both."""
        rows = [{SUBSCRIBER_ID: name, AS_OF: day_of(day)} for name in ids for day in days]
        spine = pa.Table.from_pylist(rows, SPINE.schema().to_pyarrow())
        by_kind, by_key = daily
        return self.run(SUM_WINDOWS, daily=by_kind, spine=spine), self.run(SUM_KEYS, daily_keys=by_key), spine

    def features(
        self,
        daily: tuple[pa.Table, pa.Table],
        people: Sequence[Person],
        days: Sequence[date],
        of: Sequence[str] | None = None,
    ) -> pa.Table:
        """Features of all people, or of some ids, as of some days; by day and id."""
        schema = PEOPLE.schema().to_pyarrow()
        known = pa.Table.from_pylist(
            [{name: getattr(person, name) for name in schema.names} for person in people], schema
        )
        ids = [person.subscriber_id for person in people] if of is None else of
        sums, key_sums, spine = self.sums(daily, ids, days)
        found = self.run(FEATURES, sums=sums, key_sums=key_sums, people=known, spine=spine)
        return found.sort_by([(AS_OF, "ascending"), (SUBSCRIBER_ID, "ascending")])


GIVEN = pa.schema(
    [
        *(EMPTY_USAGE.field(name) for name in ("subscriber_id", "kind", "quantity", "charge", "direction", "discount")),
        *(EMPTY_USAGE.field(name) for name in ("on_net", "roaming", "category", "item", "sign")),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("late_days", pa.int64()),
        (KNOWN_TIMEZONE, pa.string()),
    ]
)


def bits(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows in order, numbers as their bits: -0.0 is not 0.0 here, and no NaN differs from itself."""
    columns = [
        [None if number is None else float(number).hex() for number in column.to_pylist()]
        if pa.types.is_floating(column.type)
        else column.to_pylist()
        for column in table.columns
    ]
    return sorted(zip(*columns, strict=True), key=repr)


def usage_rows(*rows: dict[str, Any]) -> pa.Table:
    """Lake usage of rows that say only what matters; known on their day unless they say so."""
    base = {
        "subscriber_id": "s0",
        "occurred_at": int(datetime(2021, 6, 1, tzinfo=UTC).timestamp()),
        "local_day": 0,
        "local_hour": 12,
        "quantity": 1.0,
        "charge": 0.0,
        "sign": 1,
        "version": 1,
    }
    filled = [{**base, **row} for row in rows]
    return pa.Table.from_pylist([{"known_day": row["local_day"], **row} for row in filled], schema=EMPTY_USAGE)
