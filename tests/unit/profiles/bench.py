"""The profile queries on records in memory, without lake or workspace."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from tests.unit.profiles.reference import Person, Record

from mia.intake.subscribers import KNOWN_TIMEZONE
from mia.intake.usage import usage_plan
from mia.profiles.features import build_features
from mia.profiles.measures import roll_up, roll_up_keys
from mia.tables import LAKE_USAGE, LOCAL_DAY, LOCAL_HOUR
from mia.timeline import day_of

DTYPES = {"str": "string", "int": "int64", "float": "float64", "bool": "boolean"}
USAGE = ibis.table({column.name: DTYPES[column.dtype] for column in LAKE_USAGE.columns}, name="usage")
DAILY = ibis.table(roll_up(USAGE).schema(), name="daily")
PEOPLE = ibis.table({"subscriber_id": "string", "activated_on": "date"}, name="people")
SPINE = ibis.table({"subscriber_id": "string", "as_of": "int64"}, name="spine")
ROLL_UP = ibis.to_sql(roll_up(USAGE), dialect="duckdb")
ROLL_UP_KEYS = ibis.to_sql(roll_up_keys(USAGE), dialect="duckdb")
FEATURES = ibis.to_sql(build_features(DAILY, PEOPLE, SPINE), dialect="duckdb")
EMPTY_LAKE = USAGE.schema().to_pyarrow()


class Bench:
    """One connection on which records become usage, usage becomes roll-ups, and roll-ups become features."""

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
        given = pa.table(
            {
                "subscriber_id": pa.array([record.subscriber_id for record in records], pa.string()),
                "occurred_at": pa.array([record.occurred_at for record in records], pa.timestamp("us", "UTC")),
                KNOWN_TIMEZONE: pa.array([zones[record.subscriber_id] for record in records], pa.string()),
                "kind": pa.array([record.kind for record in records], pa.string()),
                "quantity": pa.array([record.quantity for record in records], pa.float64()),
                "charge": pa.array([record.charge for record in records], pa.float64()),
                "direction": pa.array([record.direction for record in records], pa.string()),
                "discount": pa.array([record.discount for record in records], pa.float64()),
            }
        )
        derived = usage_plan((), 0).derived
        query = (
            f"SELECT subscriber_id, epoch_us(occurred_at) // 1000000 AS occurred_at, "
            f"{derived[LOCAL_DAY][1]} AS local_day, {derived[LOCAL_HOUR][1]} AS local_hour, kind, quantity, charge, "
            f"NULL::VARCHAR AS record_id, direction, NULL::BOOLEAN AS on_net, NULL::VARCHAR AS roaming, "
            f"discount, "
            f"NULL::VARCHAR AS category, NULL::VARCHAR AS item FROM given"
        )
        return self.run(query, given=given)

    def daily(self, *usage: pa.Table) -> pa.Table:
        """Roll-ups of parts of the usage that share no day."""
        return pa.concat_tables(self.run(ROLL_UP, usage=part) for part in usage)

    def features(
        self, daily: pa.Table, people: Sequence[Person], days: Sequence[date], of: Sequence[str] | None = None
    ) -> pa.Table:
        """Features of all people, or of some ids, as of some days; by day and id."""
        activated = pa.table(
            {
                "subscriber_id": pa.array([person.subscriber_id for person in people], pa.string()),
                "activated_on": pa.array([person.activated_on for person in people], pa.date32()),
            }
        )
        ids = [person.subscriber_id for person in people] if of is None else of
        spine = [{"subscriber_id": name, "as_of": day_of(day)} for name in ids for day in days]
        found = self.run(
            FEATURES, daily=daily, people=activated, spine=pa.Table.from_pylist(spine, SPINE.schema().to_pyarrow())
        )
        return found.sort_by([("as_of", "ascending"), ("subscriber_id", "ascending")])


def usage_rows(*rows: dict[str, Any]) -> pa.Table:
    """Lake usage of rows that say only what matters."""
    base = {
        "subscriber_id": "s0",
        "occurred_at": int(datetime(2021, 6, 1, tzinfo=UTC).timestamp()),
        "local_day": 0,
        "local_hour": 12,
        "quantity": 1.0,
        "charge": 0.0,
    }
    return pa.Table.from_pylist([{**base, **row} for row in rows], schema=EMPTY_LAKE)
