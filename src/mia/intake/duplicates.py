"""Records that came before: found by their id, in the load itself and in the days of the lake that it touches."""

from collections.abc import Callable, Collection, Mapping, Sequence

import duckdb

from mia.intake.answers import count
from mia.intake.quoting import literals
from mia.intake.raw import ROW
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.usage import record_id
from mia.tables import LOCAL_DAY, RECORD_ID

DUPLICATES = "duplicate_usage"


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
