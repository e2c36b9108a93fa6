"""Staging: every row of every source of a table, parsed, judged, and with its file and row number."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from mia.errors import InvalidInput
from mia.intake.answers import count, first_row
from mia.intake.event_ids import made_event_id
from mia.intake.pseudonyms import PSEUDONYM
from mia.intake.quoting import identifier, literal
from mia.intake.raw import ROW, Raw
from mia.intake.reading import open_source
from mia.intake.rejects import REJECTS
from mia.intake.rules import DUCK, Rule, fault, named_rules, parsed, raw_name, raw_value
from mia.intake.sources import Source, first_line
from mia.tables import EVENT_ID, EVENTS, SUBSCRIBER_ID, Table

FILE = ":file"
FAULT = ":fault"
RAW = ":raw"
STAGING = "staging"
"""The database of the staged tables."""
SWOLLEN = {"csv": 1.4, "packed": 16.0}
"""Bytes of memory that staged rows take for a byte of a plain CSV file, and of a parquet or compressed one; about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How rows of a table are judged. `joins` brings in what rules and `derived` columns refer to.

    `derived` maps further columns to (DuckDB type, SQL); they are computed for sound rows only.
    """

    table: Table
    rules: tuple[Rule, ...]
    joins: str = ""
    derived: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def staged(self) -> str:
        """Name of the staged table."""
        return f"{STAGING}.staged_{self.table.name}"


@dataclass(frozen=True, slots=True)
class Brought:
    """Columns of one staged source: those that were read, by canonical name, and those that were not."""

    read: tuple[str, ...]
    unread: tuple[str, ...]


def open_staging(connection: duckdb.DuckDBPyConnection, sources: Collection[Source], scratch: Path) -> None:
    """Make room for the staged rows of all sources: in memory, or in a file in `scratch` when that may be too little.

    A file is compressed and written once, where memory that does not suffice spills as it is, and is read back; but
    compressing takes time of its own.
    """
    plain = sum(source.path.stat().st_size for source in sources if source.path.suffix == ".csv")
    packed = sum(source.path.stat().st_size for source in sources) - plain
    limit = count(connection, "SELECT parse_formatted_bytes(current_setting('memory_limit'))")
    large = plain * SWOLLEN["csv"] + packed * SWOLLEN["packed"] > limit
    place = str(scratch / "staged.duckdb") if large else ":memory:"
    connection.execute(f"ATTACH {literal(place)} AS {STAGING}")


def create_staged(connection: duckdb.DuckDBPyConnection, plan: Plan, attributes: Iterable[str] = ()) -> None:
    """Make the empty staged table; `attributes` are further columns, kept as text."""
    columns = [f"{identifier(column.name)} {DUCK[column.dtype].stored}" for column in plan.table.columns]
    columns += [f"{identifier(name)} {kind}" for name, (kind, _) in plan.derived.items()]
    columns += [f"{identifier(name)} VARCHAR" for name in attributes]
    columns += [f'"{FILE}" INTEGER', f'"{ROW}" BIGINT', f'"{FAULT}" INTEGER', f'"{RAW}" VARCHAR']
    connection.execute(f"CREATE OR REPLACE TABLE {plan.staged} ({', '.join(columns)})")


def stage(connection: duckdb.DuckDBPyConnection, plan: Plan, source: Source, ordinal: int) -> Brought:
    """Stage one source as file number `ordinal`; one of an open table gets a staged table of its own.

    Raises InvalidInput naming the file, and the column where one is missing or its SQL cannot be computed.
    """
    raw = open_source(connection, source, ordinal)
    try:
        expressions = expressions_of(connection, source, raw, plan.table)
        check_filter(connection, source, raw)
        if plan.table.open_columns:
            create_staged(connection, plan, (name for name in expressions if name not in plan.table.names))
        # A CSV file does not tell its size, and taken for small it would be hashed whole to be joined.
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        try:
            connection.execute(_insert(plan, source, raw, ordinal, expressions))
        except duckdb.OutOfMemoryException:
            # Says nothing of the file.
            raise
        except duckdb.Error as error:
            raise InvalidInput(f"cannot be read: {first_line(error)}", file=source.name) from error
    finally:
        connection.execute("RESET disabled_optimizers")
        raw.close(connection)
    unread = (
        ()
        if source.columns is not None
        else tuple(n for n in raw.types if n.lower() not in map(str.lower, expressions))
    )
    return Brought(tuple(expressions), unread)


def staged_rows(connection: duckdb.DuckDBPyConnection, table: str, plan: Plan | None = None) -> int:
    """Rows of a table met so far: those in the rejects, and with a plan those staged as well."""
    staged = "" if plan is None else f" + (SELECT count(*) FROM {plan.staged})"
    return count(connection, f'SELECT (SELECT count(*) FROM {REJECTS} WHERE "table" = {literal(table)}){staged}')


def note_faults(connection: duckdb.DuckDBPyConnection, plan: Plan, sources: Mapping[int, Source]) -> None:
    """Copy the rows that broke a rule to the rejects; `sources` are the staged ones by their number."""
    if not sources:
        return
    files = ", ".join(f"({number}, {literal(source.name)})" for number, source in sources.items())
    connection.execute(
        f'INSERT INTO {REJECTS} SELECT {literal(plan.table.name)}, files.name, staged."{ROW}", rules.of, rules.name, '
        f'rules.reason, staged."{RAW}" FROM {plan.staged} AS staged '
        f'JOIN (VALUES {named_rules(plan.rules)}) AS rules (number, of, name, reason) ON rules.number = "{FAULT}" '
        f'JOIN (VALUES {files}) AS files (number, name) ON files.number = staged."{FILE}"'
    )


def curable_files(connection: duckdb.DuckDBPyConnection, plan: Plan) -> set[int]:
    """Numbers of the files with a rejected row that may pass another day."""
    numbers = [str(number) for number, rule in enumerate(plan.rules, start=1) if rule.curable]
    rows = connection.execute(
        f'SELECT DISTINCT "{FILE}" FROM {plan.staged} WHERE "{FAULT}" IN ({", ".join(numbers) or "NULL"})'
    ).fetchall()
    return {row[0] for row in rows}


def expressions_of(
    connection: duckdb.DuckDBPyConnection, source: Source, raw: Raw, table: Table
) -> dict[str, tuple[str, str]]:
    """SQL of each column that the source brings and its DuckDB type, by canonical name.

    Raises InvalidInput where a required column is missing or the SQL of a mapping cannot be computed.
    """
    found = _expressions(connection, source, raw, table)
    if source.pseudonymise and SUBSCRIBER_ID in found:
        text, _ = found[SUBSCRIBER_ID]
        found[SUBSCRIBER_ID] = (f"{PSEUDONYM}(trim(CAST({text} AS VARCHAR)))", "VARCHAR")
    if table is EVENTS and EVENT_ID not in found:
        found[EVENT_ID] = made_event_id(found)
    return found


def _expressions(
    connection: duckdb.DuckDBPyConnection, source: Source, raw: Raw, table: Table
) -> dict[str, tuple[str, str]]:
    if source.columns is not None:
        return {
            name: (f"({text})", _kind(connection, source, raw, name, text)) for name, text in source.columns.items()
        }
    present = {name.lower(): name for name in raw.types}
    for name in table.required:
        if name not in present:
            raise InvalidInput("the column is required", file=source.name, column=name)
    expressions = {name: present[name] for name in table.names if name in present}
    if table.open_columns:
        expressions.update({name: name for name in raw.types if name.lower() not in table.names})
    return {name: (identifier(own), raw.types[own]) for name, own in expressions.items()}


def check_filter(connection: duckdb.DuckDBPyConnection, source: Source, raw: Raw) -> None:
    """Raise InvalidInput unless the filter of a mapping, if any, can be computed and is a condition."""
    if source.filter is None:
        return
    kind = _kind(connection, source, raw, "filter", source.filter)
    if kind != "BOOLEAN":
        raise InvalidInput(
            f"{source.table}: the filter is {kind}, not a condition", file=source.mapping, column="filter"
        )


def _kind(connection: duckdb.DuckDBPyConnection, source: Source, raw: Raw, column: str, text: str) -> str:
    try:
        row = first_row(connection, f"DESCRIBE SELECT ({text}) AS value FROM {raw.relation}")
    except duckdb.Error as error:
        rule = f"{source.table}: bad SQL for {source.name}: {first_line(error)}"
        raise InvalidInput(rule, file=source.mapping, column=column) from error
    return str(row[1]) if row else "VARCHAR"


def _insert(plan: Plan, source: Source, raw: Raw, ordinal: int, expressions: Mapping[str, tuple[str, str]]) -> str:
    table = plan.table
    absent = ("NULL", "VARCHAR")
    attributes = [name for name in expressions if name not in table.names]
    where = "" if source.filter is None else f" WHERE {source.filter}"
    came = [f"{raw_value(*expressions.get(name, absent))} AS {raw_name(name)}" for name in (*table.names, *attributes)]
    typed = [f"{parsed(c, expressions.get(c.name, absent)[1])} AS {identifier(c.name)}" for c in table.columns]
    typed += [f"CAST({raw_name(name)} AS VARCHAR) AS {identifier(name)}" for name in attributes]
    derived = [f'CASE WHEN "{FAULT}" = 0 THEN {sql} END AS {identifier(n)}' for n, (_, sql) in plan.derived.items()]
    values = ", ".join(f"{identifier(name)} := {raw_name(name)}" for name in expressions)
    kept = [identifier(name) for name in (*table.names, *attributes)]
    return (
        f"INSERT INTO {plan.staged} BY NAME "
        f'WITH came AS (SELECT "{ROW}", {", ".join(came)} FROM {raw.relation}{where}), '
        f"typed AS (SELECT *, {', '.join(typed)} FROM came), "
        f'judged AS (SELECT *, {fault(plan.rules)} AS "{FAULT}" FROM typed {plan.joins}) '
        f'SELECT {", ".join([*kept, *derived])}, {ordinal} AS "{FILE}", "{ROW}", "{FAULT}", '
        f'CASE WHEN "{FAULT}" <> 0 THEN to_json(struct_pack({values})) END AS "{RAW}" FROM judged'
    )
