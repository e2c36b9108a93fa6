"""Rejected rows of a load: collected in one table while it runs, kept as a file afterwards."""

from pathlib import Path

import duckdb

from mia.intake.quoting import literal
from mia.intake.report import RuleCount

REJECTS = "rejects"


def create_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty table of rejects: table, file, row (1-based data row), column, rule, reason, raw values."""
    connection.execute(
        f'CREATE TEMP TABLE {REJECTS} ("table" VARCHAR, source_file VARCHAR, source_row BIGINT, "column" VARCHAR, '
        "rule VARCHAR, reason VARCHAR, raw VARCHAR)"
    )


def count_rejects(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[RuleCount, ...]]:
    """Rejected rows of each table by column and rule, most frequent first."""
    rows = connection.execute(
        f'SELECT "table", "column", rule, count(*) AS rows FROM {REJECTS} GROUP BY ALL '
        'ORDER BY rows DESC, "column", rule'
    ).fetchall()
    counts: dict[str, tuple[RuleCount, ...]] = {}
    for table, column, rule, number in rows:
        counts[table] = (*counts.get(table, ()), RuleCount(column, rule, number))
    return counts


def write_rejects(connection: duckdb.DuckDBPyConnection, folder: Path, scratch: Path, load: str) -> Path:
    """Write the rejects to `<load>.csv` by table, file and row: below `scratch` first, then in one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{load}.csv"
    fresh = scratch / target.name
    connection.execute(
        f'COPY (SELECT * FROM {REJECTS} ORDER BY "table", source_file, source_row) TO {literal(str(fresh))} '
        "(FORMAT csv, HEADER)"
    )
    return fresh.replace(target)
