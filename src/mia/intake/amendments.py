"""Amendments: records of which more than one version is known, so that the lake tells on every day what it knew then.

A version counts from the day it is known until a higher one amends it: as of its arrival, or all along when it does
not say when it arrived. A withdrawal amends every version up to its own and counts for nothing. The lake is only
added to: a row of sign 1 where a version begins to count, a copy of it with sign -1 where it ends, and another of
sign 1 where an end that was written turns out to be too late. So the sums of the lake follow from the set of versions
alone, not from the order in which they were loaded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mia.intake.answers import count, first_row
from mia.intake.quoting import identifier, literal, literals
from mia.intake.raw import ROW
from mia.intake.rules import DUCK
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.usage import Arrival, lake_columns
from mia.tables import (
    AMENDED,
    AMENDS_DAY,
    ARRIVED_AT,
    KNOWN_DAY,
    LAKE_USAGE,
    LOCAL_DAY,
    RECORD_ID,
    SIGN,
    USAGE,
    VERSION,
    WITHDRAWN,
    Table,
)

SETTLED = "settled_usage"
LISTED = "listed_amendments"
# What settled rows bear instead of the number of a rule, so that nothing else takes them up.
ELSEWHERE = -1
# Before every day, as an integer of 32 bits.
ALL_ALONG = -(2**31)

AMENDS = f"(coalesce({VERSION}, 1) > 1 OR coalesce({WITHDRAWN}, false))"
# A version that is amended by the day it is known counts on no day.
ALIVE = f"(ends IS NULL OR ends > {KNOWN_DAY})"


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the rows of amended records: `corrected` and `withdrawn` of the `accepted`.

    `rows` lie in the table SETTLED for the lake's usage, `listed` in the table LISTED for its list of amendments.
    """

    accepted: int = 0
    duplicates: int = 0
    corrected: int = 0
    withdrawn: int = 0
    rows: int = 0
    listed: int = 0


def settle_amendments(
    connection: duckdb.DuckDBPyConnection, plan: Plan, arrival: Arrival, paths_of: Callable[[str], Sequence[str]]
) -> Settled:
    """Take the sound staged rows of amended records out of the staged table and work out what they change.

    A row amends when it withdraws or is of a version above 1; a record is amended when one of its rows does, in the
    load or before. `paths_of` gives the lake's files of a table; usage is searched for the records that amending rows
    name. A version that is known already, or that counts on no day, is a duplicate.
    """
    known = _scan(AMENDED, paths_of(AMENDED.name))
    sound = f'"{FAULT}" = 0 AND {RECORD_ID} IS NOT NULL'
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE amended_ids AS SELECT {RECORD_ID} FROM {plan.staged} WHERE {sound} AND {AMENDS} "
        f"UNION SELECT {RECORD_ID} FROM {known} SEMI JOIN {plan.staged} AS staged "
        f'ON known.{RECORD_ID} = staged.{RECORD_ID} AND staged."{FAULT}" = 0'
    )
    if not count(connection, "SELECT count(*) FROM amended_ids"):
        return Settled()
    came = _bring(connection, plan, arrival, known)
    _find(connection, paths_of(USAGE.name))
    _rank(connection, known)
    _settle(connection)
    alive, corrected, withdrawn = first_row(
        connection,
        f"SELECT count(*), count(*) FILTER (NOT {WITHDRAWN} AND amends), count(*) FILTER ({WITHDRAWN}) "
        f"FROM brought JOIN ranked USING ({RECORD_ID}, {VERSION}, {WITHDRAWN}) WHERE {ALIVE}",
    ) or (0, 0, 0)
    return Settled(
        accepted=alive,
        duplicates=came - alive,
        corrected=corrected,
        withdrawn=withdrawn,
        rows=count(connection, f"SELECT count(*) FROM {SETTLED}"),
        listed=count(connection, f"SELECT count(*) FROM {LISTED}"),
    )


def write_amended(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write what the load adds to the list of amendments."""
    connection.execute(
        f"COPY (SELECT * FROM {LISTED} ORDER BY ALL) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )


def _scan(table: Table, paths: Sequence[str]) -> str:
    """The lake's rows of a table with every declared column, also of files from before there was such a column."""
    columns = ", ".join(f"NULL::{DUCK[column.dtype].stored} AS {identifier(column.name)}" for column in table.columns)
    files = f" UNION ALL BY NAME SELECT * FROM read_parquet([{literals(list(paths))}], " if paths else ""
    options = "union_by_name = true, hive_partitioning = false)" if paths else ""
    return f"(SELECT {columns} WHERE false{files}{options}) AS known"


def _bring(connection: duckdb.DuckDBPyConnection, plan: Plan, arrival: Arrival, known: str) -> int:
    """Move the rows of amended records into `brought`, the first of each version; returns how many rows came."""
    says = "true" if arrival == "load" else f"{ARRIVED_AT} IS NOT NULL"
    mine = f'"{FAULT}" = 0 AND {RECORD_ID} IN (FROM amended_ids)'
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE brought AS SELECT {lake_columns(RECORD_ID)}, "
        f"coalesce({WITHDRAWN}, false) AS {WITHDRAWN}, CASE WHEN {says} THEN {KNOWN_DAY} END AS {AMENDS_DAY} "
        f"FROM {plan.staged} WHERE {mine} QUALIFY row_number() OVER (PARTITION BY {RECORD_ID}, coalesce({VERSION}, 1), "
        f'coalesce({WITHDRAWN}, false) ORDER BY "{FILE}", "{ROW}") = 1'
    )
    came = count(connection, f'UPDATE {plan.staged} SET "{FAULT}" = {ELSEWHERE} WHERE {mine}')
    connection.execute(
        f"DELETE FROM brought WHERE ({RECORD_ID}, {VERSION}, {WITHDRAWN}) IN "
        f"(SELECT ({RECORD_ID}, {VERSION}, {WITHDRAWN}) FROM {known})"
    )
    return came


def _find(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Find in the lake the rows that count of the records that new rows amend, as `found`."""
    # Records from before there were versions are first versions, known when they happened.
    before = {SIGN: "1", VERSION: "1", KNOWN_DAY: LOCAL_DAY}
    columns = ", ".join(f"coalesce({n}, {before[n]}) AS {n}" if n in before else n for n in LAKE_USAGE.names)
    asked = f"SELECT {RECORD_ID} FROM brought WHERE {AMENDS}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE found AS SELECT {columns}, false AS {WITHDRAWN} "
        f"FROM {_scan(LAKE_USAGE, paths if count(connection, f'SELECT count(*) FROM ({asked})') else ())} "
        f"WHERE {RECORD_ID} IN ({asked}) AND coalesce({SIGN}, 1) = 1 "
        # Of the rows of sign 1 the earliest is the version itself; others mend an end that was written too late.
        f"QUALIFY row_number() OVER (PARTITION BY {RECORD_ID}, coalesce({VERSION}, 1), {LOCAL_DAY} "
        f"ORDER BY {KNOWN_DAY}) = 1"
    )
    connection.execute(
        f"DELETE FROM brought WHERE NOT {WITHDRAWN} AND ({RECORD_ID}, {VERSION}) IN "
        f"(SELECT ({RECORD_ID}, {VERSION}) FROM found)"
    )


def _rank(connection: duckdb.DuckDBPyConnection, known: str) -> None:
    """Of every version, old and new: the day from which a higher one amends it, and the one known before the load."""
    names = ", ".join(AMENDED.names)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {LISTED} AS SELECT {names} FROM brought UNION ALL "
        f"SELECT DISTINCT {RECORD_ID}, {VERSION}, {WITHDRAWN}, NULL::INTEGER FROM found "
        f"ANTI JOIN {known} USING ({RECORD_ID}, {VERSION}, {WITHDRAWN})"
    )
    higher = (
        f"OVER (PARTITION BY {RECORD_ID} ORDER BY {VERSION} DESC, {WITHDRAWN} DESC "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    )
    lower = higher.replace("DESC", "ASC")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ranked AS WITH versions AS ("
        f"SELECT {names}, true AS old FROM {known} SEMI JOIN amended_ids USING ({RECORD_ID}) "
        f"UNION ALL SELECT {names}, false FROM {LISTED}) "
        f"SELECT {RECORD_ID}, {VERSION}, {WITHDRAWN}, min(coalesce({AMENDS_DAY}, {ALL_ALONG})) {higher} AS ends, "
        f"min(coalesce({AMENDS_DAY}, {ALL_ALONG})) FILTER (old) {higher} AS ended, count(*) {lower} > 0 AS amends "
        "FROM versions"
    )


def _settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Work out the rows that the lake's usage gets."""
    columns = ", ".join(identifier(name) for name in LAKE_USAGE.names if name not in (KNOWN_DAY, SIGN))
    new = f"FROM brought JOIN ranked USING ({RECORD_ID}, {VERSION}, {WITHDRAWN}) WHERE NOT {WITHDRAWN} "
    old = f"FROM found JOIN ranked USING ({RECORD_ID}, {VERSION}, {WITHDRAWN}) WHERE ends IS NOT NULL "
    end, ended = f"greatest({KNOWN_DAY}, ends)", f"greatest({KNOWN_DAY}, ended)"
    # The lake's types are those of `brought`, whatever the arithmetic makes of them.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {SETTLED} AS SELECT {columns}, {KNOWN_DAY}, {SIGN} FROM brought LIMIT 0"
    )
    connection.execute(
        f"INSERT INTO {SETTLED} SELECT {columns}, {KNOWN_DAY}, 1 AS {SIGN} {new} AND {ALIVE} "
        f"UNION ALL SELECT {columns}, ends, -1 {new} AND ends > {KNOWN_DAY} "
        f"UNION ALL SELECT {columns}, {end}, -1 {old} AND (ended IS NULL OR {ended} > {end}) "
        f"UNION ALL SELECT {columns}, {ended}, 1 {old} AND {ended} > {end}"
    )
