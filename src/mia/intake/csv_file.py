"""CSV files, read twice: once to find their damage and the types of their columns, once for the rows.

Nothing of the file is kept in between, so that one of any size passes through. Rows that the scanner cannot split or
decode, and values that do not fit a type the mapping declares, go to the rejects and do not appear in the relation.
"""

from collections.abc import Mapping, Sequence

import duckdb

from mia.errors import InvalidInput
from mia.intake.answers import first_row
from mia.intake.csv_damage import Layout, note_damage
from mia.intake.mapping import names_of
from mia.intake.quoting import identifier, literal
from mia.intake.raw import ROW, Raw, drop_tables
from mia.intake.rejects import REJECTS
from mia.intake.rules import number
from mia.intake.sources import Source, csv_header

# A column without a single value fits wherever the mapping uses it.
NOTHING = "NULL"
KEPT = ":kept"
FIRST = '":first"'
# Rows that share one entry of the table that numbers them: a list of the damaged rows among them is searched for each.
BUCKET = 256


def open_csv(connection: duckdb.DuckDBPyConnection, source: Source, ordinal: int) -> Raw:
    """Open a CSV file; `ordinal` makes the names of temporary tables unique.

    Raises InvalidInput on damage that is not confined to rows, and on a declared type of a column that is not there.
    """
    layout = Layout(*csv_header(source.path, source.delimiter, source.name))
    errors, again, shifts = f"raw_errors_{ordinal}", f"raw_errors_again_{ordinal}", f"raw_shifts_{ordinal}"
    tables = (again, f"{again}_scan", shifts)
    computed = _computed(connection, source)
    types = _declared_types(source, layout.names)
    asked = [name for name in layout.names if name.lower() in computed and name not in types]
    try:
        # The scanner decodes only the columns that are used, so all of them are.
        told = ", ".join(["count(*)", f"max({_length(layout.names)})", *map(_guess, asked)])
        row = first_row(connection, f"SELECT {told} FROM {_scan(source, layout, errors)}") or (0, 0)
        types.update(zip(asked, row[2:], strict=True))
        damaged = note_damage(connection, source, layout, errors, rows=int(row[0]))
        if damaged:
            _build_shifts(connection, errors, shifts, rows=int(row[0]))
    finally:
        drop_tables(connection, (errors, f"{errors}_scan"))
    scan = _scan(source, layout, again)
    relation = (
        _numbered(f"(SELECT * FROM {scan} WHERE {_length(layout.names)} >= 0)", shifts)
        if damaged
        else f'(SELECT *, row_number() OVER () AS "{ROW}" FROM {scan})'
    )
    every = {name: types.get(name, "VARCHAR") for name in layout.names}
    return Raw(_typed(connection, source, relation, every), every, tables)


def _scan(source: Source, layout: Layout, errors: str) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.names)
    return (
        f"read_csv({literal(str(source.path))}, auto_detect = false, header = true, "
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"store_rejects = true, rejects_limit = 0, rejects_table = '{errors}', rejects_scan = '{errors}_scan')"
    )


def _length(names: Sequence[str]) -> str:
    """A number that cannot be known without every value of the row."""
    return " + ".join(f"coalesce(strlen({identifier(name)}), 0)" for name in names)


def _build_shifts(connection: duckdb.DuckDBPyConnection, errors: str, shifts: str, *, rows: int) -> None:
    """Make the table from which `_numbered` tells how many damaged rows lie before each of the `rows` kept.

    A damaged row comes after `place` kept ones; `damaged` of them share a place. Each bucket of kept rows has the
    number of damaged rows before it and the list of those inside.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {shifts} AS WITH damaged AS (SELECT DISTINCT line - 1 AS row FROM {errors}), "
        "points AS (SELECT row - row_number() OVER (ORDER BY row) AS place FROM damaged), "
        "places AS (SELECT place, count(*) AS damaged FROM points GROUP BY place), "
        f"inside AS (SELECT place // {BUCKET} AS bucket, list(place) AS places, list(damaged) AS damaged, "
        f"sum(damaged) AS total FROM places GROUP BY bucket) "
        f"SELECT bucket, places, damaged, CAST(coalesce(sum(total) OVER (ORDER BY bucket ROWS BETWEEN UNBOUNDED "
        f"PRECEDING AND 1 PRECEDING), 0) AS BIGINT) AS before FROM range({rows // BUCKET + 1}) AS buckets (bucket) "
        "LEFT JOIN inside USING (bucket)"
    )


def _numbered(scan: str, shifts: str) -> str:
    inside = (
        "list_sum(list_transform(range(1, len(shifts.places) + 1), "
        f'lambda n: CASE WHEN shifts.places[n] < "{KEPT}" THEN shifts.damaged[n] ELSE 0 END))'
    )
    shift = f"shifts.before + CASE WHEN shifts.places IS NULL THEN 0 ELSE {inside} END"
    return (
        f'(SELECT kept.* EXCLUDE ("{KEPT}"), CAST("{KEPT}" + {shift} AS BIGINT) AS "{ROW}" '
        f'FROM (SELECT *, row_number() OVER () AS "{KEPT}" FROM {scan}) AS kept '
        f'JOIN {shifts} AS shifts ON kept."{KEPT}" // {BUCKET} = shifts.bucket)'
    )


def _computed(connection: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """Columns, in lower case, that a mapping computes with.

    One that is only renamed stays text, so that an id keeps its leading zeros.
    """
    if source.columns is None:
        return set()
    expressions = [names_of(connection, text) for text in source.columns.values()]
    if source.filter is not None:
        expressions.append(names_of(connection, source.filter))
    return {name for item in expressions if not item.bare for name in item.columns}


def _declared_types(source: Source, names: Sequence[str]) -> dict[str, str]:
    if source.columns is None:
        return {}
    declared = {name.lower(): text for name, text in source.types.items()}
    for name in declared.keys() - {name.lower() for name in names}:
        raise InvalidInput("a type is declared for a column that the file lacks", file=source.name, column=name)
    return {name: declared[name.lower()] for name in names if name.lower() in declared}


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
    """The relation with its columns in their types, without the rows where a declared type does not fit."""
    cast = {name: kind for name, kind in types.items() if kind not in ("VARCHAR", NOTHING)}
    nothing = [f"NULL AS {identifier(name)}" for name, kind in types.items() if kind == NOTHING]
    if not cast:
        return f"(SELECT * REPLACE ({', '.join(nothing)}) FROM {relation})" if nothing else relation
    declared = {name.lower() for name in source.types}
    misfits = {
        name: f"({identifier(name)} IS NOT NULL AND TRY_CAST({identifier(name)} AS {kind}) IS NULL)"
        for name, kind in cast.items()
        if name.lower() in declared
    }
    replaced = [f"TRY_CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in cast.items()]
    if misfits:
        _note_misfits(connection, source, relation, {name: types[name] for name in misfits}, misfits)
    sound = f" WHERE NOT ({' OR '.join(misfits.values())})" if misfits else ""
    return f"(SELECT * REPLACE ({', '.join([*nothing, *replaced])}) FROM {relation}{sound})"


def _note_misfits(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    relation: str,
    types: Mapping[str, str],
    misfits: Mapping[str, str],
) -> None:
    """Note each row once, with the first of its values that does not fit."""
    first = " ".join(f"WHEN {test} THEN {place}" for place, test in enumerate(misfits.values(), start=1))
    names, rules = (
        f"[{', '.join(map(literal, texts))}][{FIRST}]"
        for texts in (types, [f"not a {kind}" for kind in types.values()])
    )
    values = "NULL" if source.pseudonymise else f"[{', '.join(map(identifier, types))}][{FIRST}]"
    connection.execute(
        f'INSERT INTO {REJECTS} SELECT {literal(source.table)}, {literal(source.name)}, "{ROW}", {names}, {rules}, '
        f"{names} || ': ' || {rules}, {values} "
        f"FROM (SELECT *, CASE {first} END AS {FIRST} FROM {relation}) WHERE {FIRST} IS NOT NULL"
    )
