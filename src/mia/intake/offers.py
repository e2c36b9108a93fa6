"""Offers that come as a table, or as a foreign file through a mapping: rows for the catalogue to validate."""

from collections.abc import Mapping
from typing import Any

import duckdb

from mia.errors import InvalidInput
from mia.intake.answers import first_row
from mia.intake.quoting import identifier
from mia.intake.raw import ROW
from mia.intake.reading import open_source
from mia.intake.rejects import REJECTS
from mia.intake.sources import Source, first_line
from mia.intake.staging import check_filter, expressions_of
from mia.tables import OFFERS, Table

# The catalogue checks its fields itself, as some of them can come in more than one form.
ANY_COLUMNS = Table(OFFERS.name, (), open_columns=True)


def read_offers(connection: duckdb.DuckDBPyConnection, source: Source, ordinal: int) -> list[Mapping[str, Any]]:
    """Rows of a table of offers, in order. A catalogue is taken whole: a row that cannot be read refuses the file."""
    raw = open_source(connection, source, ordinal)
    try:
        rejected = f'SELECT source_row, "column", rule FROM {REJECTS} WHERE "table" = ? ORDER BY source_row'
        fault = first_row(connection, rejected, [OFFERS.name])
        if fault is not None:
            raise InvalidInput(fault[2], file=source.name, row=fault[0], column=fault[1])
        expressions = expressions_of(connection, source, raw, ANY_COLUMNS)
        check_filter(connection, source, raw)
        where = "" if source.filter is None else f" WHERE {source.filter}"
        columns = ", ".join(f"{text} AS {identifier(name)}" for name, (text, _) in expressions.items())
        try:
            rows: list[Mapping[str, Any]] = (
                connection.sql(f'SELECT {columns} FROM {raw.relation}{where} ORDER BY "{ROW}"')
                .to_arrow_table()
                .to_pylist()
            )
        except duckdb.Error as error:
            raise InvalidInput(f"cannot be read: {first_line(error)}", file=source.name) from error
        return rows
    finally:
        raw.close(connection)
