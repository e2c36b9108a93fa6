"""Usage records: local day and hour, the day they were known, one parquet file a local day."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from mia.intake.quoting import identifier, literal, literals
from mia.intake.raw import ROW
from mia.intake.rules import KNOWN_SUBSCRIBER, KNOWN_SUBSCRIBERS, rules_of
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.subscribers import KNOWN_TIMEZONE
from mia.tables import (
    ARRIVED_AT,
    KNOWN_DAY,
    LAKE_USAGE,
    LOCAL_DAY,
    LOCAL_HOUR,
    OCCURRED_AT,
    RECORD_ID,
    SIGN,
    SUBSCRIBER_ID,
    USAGE,
    VERSION,
)
from mia.timeline import DAY_SECONDS, MICROSECONDS

Arrival = Literal["occurred", "load"]
"""When a record that does not say it is taken to have arrived: when it happened, or when it is loaded."""


@dataclass(frozen=True, slots=True)
class DayFile:
    """One written file: the records of one local day."""

    path: Path
    day: int
    rows: int


def usage_plan(kinds: tuple[str, ...], now: int, arrival: Arrival = "occurred") -> Plan:
    """How usage is judged: `kinds` are those declared in settings, `now` in microseconds since the epoch."""
    occurred = _local_seconds(OCCURRED_AT)
    arrived = ARRIVED_AT if arrival == "occurred" else f"coalesce({ARRIVED_AT}, make_timestamptz({now}))"
    local_day = _day(occurred)
    return Plan(
        USAGE,
        rules_of(USAGE, kinds=kinds, now=now),
        joins=f"LEFT JOIN {KNOWN_SUBSCRIBERS} ON {SUBSCRIBER_ID} = {identifier(KNOWN_SUBSCRIBER)}",
        derived={
            LOCAL_DAY: ("INTEGER", local_day),
            LOCAL_HOUR: ("INTEGER", f"CAST({occurred} // 3600 % 24 AS INTEGER)"),
            # GREATEST passes over NULL: what has no arrival is known from the day it happened.
            KNOWN_DAY: ("INTEGER", f"greatest({local_day}, {_day(_local_seconds(arrived))})"),
        },
    )


def _local_seconds(moment: str) -> str:
    return f"epoch_us(timezone({identifier(KNOWN_TIMEZONE)}, {moment})) // {MICROSECONDS}"


def _day(local_seconds: str) -> str:
    return f"CAST({local_seconds} // {DAY_SECONDS} AS INTEGER)"


def record_id(keys: Mapping[int, str]) -> str:
    """SQL of a record's id; one that came without is called after its file and row, to be known again later."""
    prefixes = literals([f"{keys.get(number, '')[:16]}:" for number in range(max(keys) + 1)])
    return f'coalesce({RECORD_ID}, ([{prefixes}])["{FILE}" + 1] || "{ROW}")'


def lake_columns(identity: str) -> str:
    """SQL of the columns of the lake, of staged records that count as they are; `identity` is SQL of their id."""
    made = {
        OCCURRED_AT: f"epoch_us({OCCURRED_AT}) // {MICROSECONDS}",
        RECORD_ID: identity,
        SIGN: "1",
        VERSION: f"coalesce({VERSION}, 1)",
    }
    return ", ".join(f"{made.get(name, identifier(name))} AS {identifier(name)}" for name in LAKE_USAGE.names)


def write_usage(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    keys: Mapping[int, str],
    folder: Path,
    *,
    apart: str | None = None,
    besides: str | None = None,
) -> list[DayFile]:
    """Write the sound records below `folder`, one file or a few for each local day, by subscriber.

    `apart` is a table of the (file, row) of those to leave out, `besides` one of further rows of the lake's columns.
    """
    # Joining nothing away, and adding nothing, still take time.
    fresh = f'ANTI JOIN {apart} USING ("{FILE}", "{ROW}")' if apart else ""
    names = ", ".join(map(identifier, LAKE_USAGE.names))
    further = f"UNION ALL SELECT {names} FROM {besides}" if besides else ""
    found = connection.execute(
        f"COPY (SELECT {lake_columns(record_id(keys))} FROM {plan.staged} {fresh} "
        f'WHERE "{FAULT}" = 0 {further} '
        f"ORDER BY {LOCAL_DAY}, {SUBSCRIBER_ID}) TO {literal(str(folder))} (FORMAT parquet, COMPRESSION zstd, "
        f"PARTITION_BY ({LOCAL_DAY}), WRITE_PARTITION_COLUMNS true, OVERWRITE_OR_IGNORE true, RETURN_STATS true)"
    ).fetchall()
    return [_plain(folder, Path(row[0]), int(row[1])) for row in found]


def _plain(folder: Path, path: Path, rows: int) -> DayFile:
    # A folder named column=value would make readers invent that column a second time.
    day = int(path.parent.name.removeprefix(f"{LOCAL_DAY}="))
    target = folder / f"usage-{day}-{path.stem}.parquet"
    path.rename(target)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
    return DayFile(target, day, rows)
