"""Subscribers: one merged table, in which the newest load wins, and what the other tables need to know of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from mia.domain.region import Region
from mia.intake.answers import count, first_row
from mia.intake.quoting import identifier, literal
from mia.intake.raw import ROW
from mia.intake.rules import DUCK, KNOWN_SUBSCRIBER, KNOWN_SUBSCRIBERS, number, rules_of
from mia.intake.staging import FAULT, Plan
from mia.tables import MACRO_REGION, REGION, SUBSCRIBER_ID, SUBSCRIBERS, TIMEZONE

MERGED = "merged_subscribers"
KNOWN_REGION = ":region"
KNOWN_MACRO_REGION = ":macro_region"
KNOWN_TIMEZONE = ":timezone"
REGION_TABLE = "known_regions"


def subscribers_plan(now: int) -> Plan:
    """How subscribers are judged; `now` in microseconds since the epoch."""
    return Plan(SUBSCRIBERS, rules_of(SUBSCRIBERS, kinds=(), now=now))


def open_subscribers(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    """Begin with the subscribers of the lake's files."""
    if paths:
        scan = f"SELECT * FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name = true)"
    else:
        columns = [f"NULL::{DUCK[column.dtype].stored} AS {identifier(column.name)}" for column in SUBSCRIBERS.columns]
        scan = f"SELECT {', '.join(columns)} WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {MERGED} AS {scan}")


def merge_subscribers(connection: duckdb.DuckDBPyConnection, plan: Plan, brought: Sequence[str]) -> tuple[int, int]:
    """Merge the sound staged rows of one source; returns the numbers accepted and duplicate.

    A subscriber that comes twice keeps its first row. `brought` are the columns the source has: the others keep
    what was known before.
    """
    staged = _columns(connection, plan.staged)
    attributes = [name for name in brought if name not in SUBSCRIBERS.names]
    kinds = _attribute_kinds(connection, plan.staged, attributes)
    typed = [f"{_cast(name, kinds[name])} AS {identifier(name)}" for name in attributes]
    declared = [identifier(name) for name in staged if name in SUBSCRIBERS.names]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh_subscribers AS SELECT {', '.join([*declared, *typed])} FROM {plan.staged} "
        f'WHERE "{FAULT}" = 0 QUALIFY row_number() OVER (PARTITION BY {SUBSCRIBER_ID} ORDER BY "{ROW}") = 1'
    )
    sound = count(connection, f'SELECT count(*) FROM {plan.staged} WHERE "{FAULT}" = 0')
    accepted = count(connection, "SELECT count(*) FROM fresh_subscribers")
    old, new = _columns(connection, MERGED), _columns(connection, "fresh_subscribers")
    merged = [_merged_column(name, old, new, brought) for name in dict.fromkeys([*old, *new])]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {MERGED} AS SELECT {', '.join(merged)} FROM {MERGED} AS old "
        f"FULL OUTER JOIN fresh_subscribers AS new ON old.{SUBSCRIBER_ID} = new.{SUBSCRIBER_ID}"
    )
    connection.execute("DROP TABLE fresh_subscribers")
    return accepted, sound - accepted


def know_subscribers(
    connection: duckdb.DuckDBPyConnection, regions: Mapping[str, Region], default_timezone: str
) -> None:
    """Make the table that tells whether a subscriber is known, its region, and where its days begin."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {REGION_TABLE} ({REGION} VARCHAR, {MACRO_REGION} VARCHAR, {TIMEZONE} VARCHAR)"
    )
    listed = list(regions.values())
    columns = [[r.name for r in listed], [r.macro_region for r in listed], [r.timezone for r in listed]]
    connection.execute(
        f"INSERT INTO {REGION_TABLE} SELECT unnest($1::VARCHAR[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[])",
        columns,
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {KNOWN_SUBSCRIBERS} AS "
        f"SELECT m.{SUBSCRIBER_ID} AS {identifier(KNOWN_SUBSCRIBER)}, "
        f"m.{REGION} AS {identifier(KNOWN_REGION)}, m.{MACRO_REGION} AS {identifier(KNOWN_MACRO_REGION)}, "
        f"coalesce(m.{TIMEZONE}, r.{TIMEZONE}, {literal(default_timezone)}) AS {identifier(KNOWN_TIMEZONE)} "
        f"FROM {MERGED} AS m LEFT JOIN {REGION_TABLE} AS r ON m.{REGION} = r.{REGION}"
    )


def write_subscribers(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the merged subscribers by id; returns their number."""
    connection.execute(
        f"COPY (SELECT * FROM {MERGED} ORDER BY {SUBSCRIBER_ID}) TO {literal(str(path))} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    return count(connection, f"SELECT count(*) FROM {MERGED}")


def _merged_column(name: str, old: Mapping[str, str], new: Mapping[str, str], brought: Sequence[str]) -> str:
    column = identifier(name)
    if name not in old:
        return f"new.{column}"
    if name not in new:
        return f"old.{column}"
    # An attribute that was a number and comes as a word is a word from now on.
    kind = old[name] if old[name] == new[name] else "VARCHAR"
    before, after = f"CAST(old.{column} AS {kind})", f"CAST(new.{column} AS {kind})"
    if name not in brought:
        return f"coalesce({after}, {before}) AS {column}"
    return f"CASE WHEN new.{SUBSCRIBER_ID} IS NULL THEN {before} ELSE {after} END AS {column}"


def _attribute_kinds(connection: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> dict[str, str]:
    """Whether each attribute is a number, a truth value (kept as 1 and 0) or a word."""
    if not names:
        return {}
    tests = [
        f"CASE WHEN bool_and(isfinite({number(c)}) IS TRUE AND NOT regexp_matches({c}, '^-?0[0-9]')) "
        f"FILTER ({c} IS NOT NULL) IS NOT FALSE THEN 'DOUBLE' WHEN bool_and(lower({c}) IN ('true', 'false')) "
        f"FILTER ({c} IS NOT NULL) THEN 'BOOLEAN' ELSE 'VARCHAR' END"
        for c in map(identifier, names)
    ]
    row = first_row(connection, f'SELECT {", ".join(tests)} FROM {table} WHERE "{FAULT}" = 0')
    return dict(zip(names, row or (), strict=True))


def _cast(name: str, kind: str) -> str:
    column = identifier(name)
    return f"CAST(CAST({column} AS BOOLEAN) AS DOUBLE)" if kind == "BOOLEAN" else f"CAST({column} AS {kind})"


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {row[0]: row[1] for row in rows if not row[0].startswith(":")}
