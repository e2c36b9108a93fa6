"""Usage records: local day and hour, duplicates collapsed, one parquet file a local day."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mia.intake.answers import count
from mia.intake.quoting import identifier, literal, literals
from mia.intake.reading import ROW
from mia.intake.rules import KNOWN_SUBSCRIBER, KNOWN_SUBSCRIBERS, rules_of
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.subscribers import KNOWN_TIMEZONE
from mia.tables import (
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

DUPLICATES = "duplicate_usage"


@dataclass(frozen=True, slots=True)
class DayFile:
    """One written file: the records of one local day."""

    path: Path
    day: int
    rows: int


def usage_plan(kinds: tuple[str, ...], now: int) -> Plan:
    """How usage is judged: `kinds` are those declared in settings, `now` in microseconds since the epoch."""
    local = f"epoch_us(timezone({identifier(KNOWN_TIMEZONE)}, {OCCURRED_AT})) // {MICROSECONDS}"
    return Plan(
        USAGE,
        rules_of(USAGE, kinds=kinds, now=now),
        joins=f"LEFT JOIN {KNOWN_SUBSCRIBERS} ON {SUBSCRIBER_ID} = {identifier(KNOWN_SUBSCRIBER)}",
        derived={
            LOCAL_DAY: ("INTEGER", f"CAST({local} // {DAY_SECONDS} AS INTEGER)"),
            LOCAL_HOUR: ("INTEGER", f"CAST({local} // 3600 % 24 AS INTEGER)"),
        },
    )


def find_duplicates(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    keys: Mapping[int, str],
    again: Collection[int],
    paths_of: Callable[[Sequence[int]], Sequence[str]],
) -> int:
    """Note sound staged records whose id came before, in the load or in the lake; returns their number.

    `keys` are the identities of the files by number, `again` the numbers of files that were loaded before, and
    `paths_of` gives the lake's files of some local days. The first record of the load stays.
    """
    sound = f'"{FAULT}" = 0 AND {RECORD_ID} IS NOT NULL'
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {DUPLICATES} AS WITH twice AS (SELECT {RECORD_ID}, "
        f'min(("{FILE}", "{ROW}")) AS kept FROM {plan.staged} WHERE {sound} GROUP BY {RECORD_ID} HAVING count(*) > 1) '
        f'SELECT "{FILE}", "{ROW}" FROM {plan.staged} JOIN twice USING ({RECORD_ID}) '
        f'WHERE "{FAULT}" = 0 AND ("{FILE}", "{ROW}") <> kept'
    )
    # Made-up ids cannot be in the lake unless their very file was loaded before.
    doubtful = f'"{FAULT}" = 0 AND ({RECORD_ID} IS NOT NULL OR "{FILE}" IN ({", ".join(map(str, again)) or "NULL"}))'
    touched = connection.execute(f"SELECT DISTINCT {LOCAL_DAY} FROM {plan.staged} WHERE {doubtful}").fetchall()
    # A subscriber may have moved to another time zone since, which shifts the local day of the same record by one.
    paths = paths_of(sorted({day + shift for (day,) in touched for shift in (-1, 0, 1)}))
    if paths:
        connection.execute(
            f'INSERT INTO {DUPLICATES} SELECT "{FILE}", "{ROW}" FROM {plan.staged} '
            f"WHERE {doubtful} AND {record_id(keys)} IN "
            f"(SELECT {RECORD_ID} FROM read_parquet([{literals(list(paths))}], hive_partitioning = false)) "
            f'EXCEPT SELECT "{FILE}", "{ROW}" FROM {DUPLICATES}'
        )
    return count(connection, f"SELECT count(*) FROM {DUPLICATES}")


def record_id(keys: Mapping[int, str]) -> str:
    """SQL of a record's id; one that came without is called after its file and row, to be known again later."""
    prefixes = literals([f"{keys.get(number, '')[:16]}:" for number in range(max(keys) + 1)])
    return f'coalesce({RECORD_ID}, ([{prefixes}])["{FILE}" + 1] || "{ROW}")'


def write_usage(
    connection: duckdb.DuckDBPyConnection, plan: Plan, keys: Mapping[int, str], folder: Path, *, duplicates: int
) -> list[DayFile]:
    """Write the sound, new records below `folder`, one file or a few for each local day, by subscriber.

    `duplicates` is the number that `find_duplicates` noted.
    """
    made = {
        OCCURRED_AT: f"epoch_us({OCCURRED_AT}) // {MICROSECONDS}",
        RECORD_ID: record_id(keys),
        KNOWN_DAY: LOCAL_DAY,
        SIGN: "1",
        VERSION: "1",
    }
    columns = [f"{made.get(name, identifier(name))} AS {identifier(name)}" for name in LAKE_USAGE.names]
    # Joining nothing away still takes time.
    fresh = f'ANTI JOIN {DUPLICATES} USING ("{FILE}", "{ROW}")' if duplicates else ""
    written = connection.execute(
        f'COPY (SELECT {", ".join(columns)} FROM {plan.staged} {fresh} WHERE "{FAULT}" = 0 '
        f"ORDER BY {LOCAL_DAY}, {SUBSCRIBER_ID}) TO {literal(str(folder))} (FORMAT parquet, COMPRESSION zstd, "
        f"PARTITION_BY ({LOCAL_DAY}), WRITE_PARTITION_COLUMNS true, OVERWRITE_OR_IGNORE true, RETURN_STATS true)"
    ).fetchall()
    return [_plain(folder, Path(row[0]), int(row[1])) for row in written]


def _plain(folder: Path, path: Path, rows: int) -> DayFile:
    # A folder named column=value would make readers invent that column a second time.
    day = int(path.parent.name.removeprefix(f"{LOCAL_DAY}="))
    target = folder / f"usage-{day}-{path.stem}.parquet"
    path.rename(target)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()
    return DayFile(target, day, rows)
