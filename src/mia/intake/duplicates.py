"""Records that came before: found by their id, in the load itself and in the days of the lake that it touches."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import duckdb

from mia.intake.answers import count
from mia.intake.quoting import literals
from mia.intake.raw import ROW
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.usage import record_id
from mia.tables import LOCAL_DAY, RECORD_ID

DUPLICATES = "duplicate_usage"
SUSPECTS = "suspect_usage"
PART = 8_000_000
"""Suspects whose ids are compared at a time; a group of one takes some hundred bytes."""


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
    places = f'SELECT "{FILE}", "{ROW}" FROM'
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {DUPLICATES} AS {places} {plan.staged} LIMIT 0")
    sound = f'"{FAULT}" = 0 AND {RECORD_ID} IS NOT NULL'
    _suspect(connection, RECORD_ID, f"{plan.staged} WHERE {sound}", least=2)
    for (mine,) in _parts(connection, RECORD_ID):
        connection.execute(
            f'INSERT INTO {DUPLICATES} WITH twice AS (SELECT {RECORD_ID}, min(("{FILE}", "{ROW}")) AS kept '
            f"FROM {plan.staged} WHERE {sound} AND {mine} GROUP BY {RECORD_ID} HAVING count(*) > 1) "
            f"{places} {plan.staged} JOIN twice USING ({RECORD_ID}) "
            f'WHERE {sound} AND {mine} AND ("{FILE}", "{ROW}") <> kept'
        )
    # Made-up ids cannot be in the lake unless their very file was loaded before.
    doubtful = f'"{FAULT}" = 0 AND ({RECORD_ID} IS NOT NULL OR "{FILE}" IN ({", ".join(map(str, again)) or "NULL"}))'
    touched = connection.execute(f"SELECT DISTINCT {LOCAL_DAY} FROM {plan.staged} WHERE {doubtful}").fetchall()
    # A subscriber may have moved to another time zone since, which shifts the local day of the same record by one.
    paths = paths_of(sorted({day + shift for (day,) in touched for shift in (-1, 0, 1)}))
    if paths:
        lake = f"read_parquet([{literals(list(paths))}], hive_partitioning = false)"
        own = record_id(keys)
        met = f"hash({own}) IN (SELECT hash({RECORD_ID}) FROM {lake})"
        _suspect(connection, own, f"{plan.staged} WHERE {doubtful} AND {met}", least=1)
        for mine, theirs in _parts(connection, own, RECORD_ID):
            connection.execute(
                f"INSERT INTO {DUPLICATES} {places} {plan.staged} "
                f"WHERE {doubtful} AND {mine} AND {own} IN (SELECT {RECORD_ID} FROM {lake} WHERE {theirs}) "
                f"EXCEPT {places} {DUPLICATES}"
            )
    return count(connection, f"SELECT count(*) FROM {DUPLICATES}")


def _suspect(connection: duckdb.DuckDBPyConnection, identity: str, rows: str, *, least: int) -> None:
    """Note the hashes of ids that occur `least` times: all ids fit into memory, or spill well, as numbers only."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {SUSPECTS} AS SELECT hash({identity}) AS hash, count(*) AS rows FROM {rows} "
        f"GROUP BY ALL HAVING count(*) >= {least}"
    )


def _parts(connection: duckdb.DuckDBPyConnection, *ids: str) -> Iterator[tuple[str, ...]]:
    """Conditions on SQL of ids, for one part of all suspects after the other, of which each fits into memory."""
    rows = count(connection, f"SELECT coalesce(sum(rows), 0) FROM {SUSPECTS}")
    parts = -(-rows // PART)
    for part in range(parts):
        mine = f"(SELECT hash FROM {SUSPECTS} WHERE hash % {parts} = {part})"
        yield tuple(f"hash({each}) IN {mine}" for each in ids)
