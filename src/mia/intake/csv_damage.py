"""Damage to CSV files: what touches single rows puts those aside, what may reach further refuses the file."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from mia.errors import InvalidInput
from mia.intake.answers import count, first_row
from mia.intake.quoting import literal, literals
from mia.intake.rejects import REJECTS
from mia.intake.sources import DELIMITERS, Source

RAGGED = "ragged row"
NOT_UTF8 = "is not encoded in UTF-8"
BAD_QUOTES = "a quoted value does not end"

# How the scanner calls what it finds, and how a row with it is rejected; anything else is a ragged row.
ENCODING, QUOTES = "INVALID ENCODING", "UNQUOTED VALUE"
ROW_RULES: Mapping[str, str] = {ENCODING: "not encoded in UTF-8", QUOTES: "text behind a quoted value"}

QUOTE = '"'

# A file with more broken rows than this among its rows is in another encoding, rather than damaged here and there.
MOST_MISENCODED = 0.1


@dataclass(frozen=True, slots=True)
class Layout:
    """Column names of a CSV file and its delimiter."""

    names: tuple[str, ...]
    delimiter: str


def note_damage(
    connection: duckdb.DuckDBPyConnection, source: Source, layout: Layout, errors: str, *, rows: int
) -> int:
    """Note the rows that could not be read; returns their number. `errors` is the scanner's table of them.

    Raises InvalidInput where the damage is not confined to rows: a quoted value that does not end swallows the rows
    behind it, rows that another delimiter splits into just the columns of the header tell that the file changed it,
    and with many rows that are not UTF-8 the file is in another encoding. `rows` could be read.
    """
    damaged = count(connection, f"SELECT count(DISTINCT line) FROM {errors}")
    if not damaged:
        return 0
    kind = "error_type::VARCHAR"
    odd = f"{_occurrences('csv_line', QUOTE)} % 2 = 1"
    _refuse(connection, source, errors, f"{kind} = '{QUOTES}' AND {odd}", BAD_QUOTES)
    for sign in DELIMITERS:
        if sign != layout.delimiter:
            split = f"{_occurrences(_unquoted('csv_line'), sign)} = {len(layout.names) - 1}"
            rule = f"the delimiter changes from {layout.delimiter!r} to {sign!r}"
            _refuse(connection, source, errors, f"{kind} = 'MISSING COLUMNS' AND {split}", rule)
    broken = f"{kind} = '{ENCODING}'"
    if count(connection, f"SELECT count(DISTINCT line) FROM {errors} WHERE {broken}") > MOST_MISENCODED * (
        rows + damaged
    ):
        _refuse(connection, source, errors, broken, NOT_UTF8)
    _note(connection, source, errors)
    return damaged


def _refuse(connection: duckdb.DuckDBPyConnection, source: Source, errors: str, where: str, rule: str) -> None:
    row = first_row(connection, f"SELECT min(line) - 1 FROM {errors} WHERE {where}")
    if row is not None and row[0] is not None:
        raise InvalidInput(rule, file=source.name, row=row[0])


def _note(connection: duckdb.DuckDBPyConnection, source: Source, errors: str) -> None:
    # A row of a mapped file also holds columns that must not leave it, and one that cannot be split may hold a phone
    # number anywhere, so only its number is kept.
    line = "NULL" if source.columns is not None or source.pseudonymise else "csv_line"
    kinds, rules = list(ROW_RULES), list(ROW_RULES.values())
    own = f"list_position([{literals(kinds)}], error_type::VARCHAR)"
    rule = f"coalesce([{literals(rules)}][{own}], {literal(RAGGED)})"
    column = f"CASE WHEN {own} IS NOT NULL THEN column_name END"
    reason = f"CASE WHEN {own} IS NULL THEN lower(error_type::VARCHAR) ELSE concat_ws(': ', {column}, {rule}) END"
    connection.execute(
        f"INSERT INTO {REJECTS} SELECT {literal(source.table)}, {literal(source.name)}, line - 1, {column}, "
        f"{rule}, {reason}, {line} FROM {errors} "
        # A row that is ragged may be misread in many ways besides.
        f"QUALIFY row_number() OVER (PARTITION BY line ORDER BY {own} NULLS FIRST, column_idx) = 1"
    )


def _occurrences(text: str, sign: str) -> str:
    return f"(length({text}) - length(replace({text}, {literal(sign)}, '')))"


def _unquoted(text: str) -> str:
    return f"regexp_replace({text}, '{QUOTE}[^{QUOTE}]*{QUOTE}', '', 'g')"
