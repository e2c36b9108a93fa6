"""Opening one source as a relation of rows that carry their row number; damage to a whole file is refused here.

Rows that the CSV scanner cannot split (ragged ones), and values that do not fit a type the mapping declares, go to
the rejects at once and do not appear in the relation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from mia.errors import InvalidInput
from mia.intake.answers import count, first_row
from mia.intake.mapping import names_of
from mia.intake.quoting import identifier, literal, literals
from mia.intake.rejects import REJECTS
from mia.intake.rules import number
from mia.intake.sources import Source, csv_header, first_line

ROW = ":row"
# A column without a single value fits wherever the mapping uses it.
NOTHING = "NULL"

# Error types of the CSV scanner that mean damage to the file, not to a row.
DAMAGE: Mapping[str, str] = {
    "INVALID ENCODING": "is not encoded in UTF-8",
    "UNQUOTED VALUE": "a quoted value does not end",
}


@dataclass(frozen=True, slots=True)
class Raw:
    """A source as SQL. `relation` goes after FROM and has the column `:row` (1-based data row).

    `types` are the DuckDB types of the source's columns by name; `table` is the temporary table behind it, if any.
    """

    relation: str
    types: Mapping[str, str]
    table: str | None = None


def open_source(connection: duckdb.DuckDBPyConnection, source: Source, ordinal: int) -> Raw:
    """Open a source; `ordinal` makes the names of temporary tables unique. Raises InvalidInput naming the file."""
    try:
        return _open_csv(connection, source, ordinal) if source.format == "csv" else _open_parquet(connection, source)
    except duckdb.Error as error:
        raise InvalidInput(f"cannot be read: {first_line(error)}", file=source.name) from error


def close_source(connection: duckdb.DuckDBPyConnection, raw: Raw) -> None:
    """Give back what an opened source holds."""
    if raw.table is not None:
        connection.execute(f"DROP TABLE {identifier(raw.table)}")


def _open_parquet(connection: duckdb.DuckDBPyConnection, source: Source) -> Raw:
    if source.path.stat().st_size == 0:
        raise InvalidInput("the file is empty", file=source.name)
    scan = f"read_parquet({literal(str(source.path))}, hive_partitioning = false"
    types = _types(connection, f"{scan})")
    relation = (
        f'(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS "{ROW}" FROM {scan}, file_row_number = true))'
    )
    return Raw(relation, types)


def _open_csv(connection: duckdb.DuckDBPyConnection, source: Source, ordinal: int) -> Raw:
    names, delimiter = csv_header(source.path, source.delimiter, source.name)
    table, errors = f"raw_{ordinal}", f"raw_errors_{ordinal}"
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    connection.execute(
        f"CREATE TEMP TABLE {table} AS SELECT * FROM read_csv({literal(str(source.path))}, auto_detect = false, "
        f"header = true, delim = {literal(delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"store_rejects = true, rejects_limit = 0, rejects_table = '{errors}', rejects_scan = '{errors}_scan')"
    )
    _refuse_damage(connection, source, errors)
    ragged = _note_ragged(connection, source, errors)
    relation = _numbered(connection, table, errors, ragged=ragged)
    connection.execute(f"DROP TABLE {errors}_scan; DROP TABLE {errors}")
    types = _infer_types(connection, source, names, table)
    return Raw(_typed(connection, source, relation, types), types, table)


def _refuse_damage(connection: duckdb.DuckDBPyConnection, source: Source, errors: str) -> None:
    row = first_row(
        connection,
        f"SELECT error_type::VARCHAR, line - 1 FROM {errors} WHERE error_type::VARCHAR IN "
        f"({literals(list(DAMAGE))}) ORDER BY line LIMIT 1",
    )
    if row is not None:
        raise InvalidInput(DAMAGE[row[0]], file=source.name, row=row[1])


def _note_ragged(connection: duckdb.DuckDBPyConnection, source: Source, errors: str) -> bool:
    # A row of a mapped file also holds columns that must not leave it, so only its number is kept.
    line = "NULL" if source.columns is not None else "first(csv_line)"
    connection.execute(
        f"INSERT INTO {REJECTS} SELECT {literal(source.table)}, {literal(source.name)}, line - 1, NULL, "
        f"'ragged row', lower(first(error_type::VARCHAR)), {line} FROM {errors} GROUP BY line"
    )
    return count(connection, f"SELECT count(*) FROM {errors}") > 0


def _numbered(connection: duckdb.DuckDBPyConnection, table: str, errors: str, *, ragged: bool) -> str:
    if not ragged:
        return f'(SELECT *, rowid + 1 AS "{ROW}" FROM {table})'
    # Row numbers count the rows that the scanner left out: row g of those it kept comes after every ragged row
    # that has fewer than g kept rows before it.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table}_shift AS SELECT row - place AS kept, max(place) AS shift FROM "
        f"(SELECT row, row_number() OVER (ORDER BY row) AS place FROM (SELECT DISTINCT line - 1 AS row FROM {errors})) "
        "GROUP BY kept"
    )
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE {table}_numbered AS SELECT kept.* EXCLUDE (":kept"), '
        f'":kept" + coalesce(shift, 0) AS "{ROW}" FROM (SELECT *, rowid + 1 AS ":kept" FROM {table}) AS kept '
        f'ASOF LEFT JOIN {table}_shift AS shifts ON kept.":kept" > shifts.kept'
    )
    connection.execute(f"DROP TABLE {table}_shift; DROP TABLE {table}; ALTER TABLE {table}_numbered RENAME TO {table}")
    return f"(SELECT * FROM {table})"


def _infer_types(
    connection: duckdb.DuckDBPyConnection, source: Source, names: tuple[str, ...], table: str
) -> dict[str, str]:
    """Types of the columns of a CSV file: text, but for those that a mapping computes with.

    A column that is only renamed stays text, so that an id keeps its leading zeros.
    """
    types = dict.fromkeys(names, "VARCHAR")
    if source.columns is None:
        return types
    expressions = [names_of(connection, text) for text in source.columns.values()]
    if source.filter is not None:
        expressions.append(names_of(connection, source.filter))
    computed = {name for item in expressions if not item.bare for name in item.columns}
    declared = {name.lower(): text for name, text in source.types.items()}
    for name in declared.keys() - {name.lower() for name in names}:
        raise InvalidInput("a type is declared for a column that the file lacks", file=source.name, column=name)
    asked = [name for name in names if name.lower() in computed and name.lower() not in declared]
    if asked:
        row = first_row(connection, f"SELECT {', '.join(map(_guess, asked))} FROM {table}")
        types.update(zip(asked, row or (), strict=True))
    types.update({name: declared[name.lower()] for name in names if name.lower() in declared})
    return types


def _guess(name: str) -> str:
    column = identifier(name)
    fits = {
        "BIGINT": f"regexp_full_match({column}, '-?(0|[1-9][0-9]{{0,17}})')",
        "DOUBLE": f"({number(column)}) IS NOT NULL AND NOT regexp_matches({column}, '^-?0[0-9]')",
        "DATE": f"length({column}) = 10 AND TRY_CAST({column} AS DATE) IS NOT NULL",
        "TIMESTAMPTZ": f"TRY_CAST({column} AS TIMESTAMPTZ) IS NOT NULL",
        "BOOLEAN": f"lower({column}) IN ('true', 'false')",
    }
    cases = " ".join(f"WHEN bool_and({test}) THEN '{name}'" for name, test in fits.items())
    return f"CASE WHEN count({column}) = 0 THEN '{NOTHING}' {cases} ELSE 'VARCHAR' END"


def _typed(connection: duckdb.DuckDBPyConnection, source: Source, relation: str, types: Mapping[str, str]) -> str:
    cast = {name: kind for name, kind in types.items() if kind not in ("VARCHAR", NOTHING)}
    nothing = [f"NULL AS {identifier(name)}" for name, kind in types.items() if kind == NOTHING]
    if not cast:
        return f"(SELECT * REPLACE ({', '.join(nothing)}) FROM {relation})" if nothing else relation
    fits = {
        name: f"({identifier(name)} IS NULL OR TRY_CAST({identifier(name)} AS {kind}) IS NOT NULL)"
        for name, kind in cast.items()
    }
    for name, kind in cast.items():
        connection.execute(
            f'INSERT INTO {REJECTS} SELECT {literal(source.table)}, {literal(source.name)}, "{ROW}", {literal(name)}, '
            f"{literal(f'not a {kind}')}, {literal(f'{name}: not a {kind}')}, {identifier(name)} "
            f"FROM {relation} WHERE {' AND '.join([*_before(fits, name), 'NOT ' + fits[name]])}"
        )
    replaced = [f"TRY_CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in cast.items()]
    sound = " AND ".join(fits.values())
    return f"(SELECT * REPLACE ({', '.join([*nothing, *replaced])}) FROM {relation} WHERE {sound})"


def _before(fits: Mapping[str, str], name: str) -> list[str]:
    """Tests of the columns before this one, so that a row with two faults is rejected once."""
    names = list(fits)
    return [fits[each] for each in names[: names.index(name)]]


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
