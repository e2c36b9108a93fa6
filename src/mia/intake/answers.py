"""Small answers of the engine: one row, one number. They are read to the end, so that the connection is free again."""

from collections.abc import Sequence
from typing import Any

import duckdb


def first_row(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """First row of a query, None when it has none."""
    rows: list[tuple[Any, ...]] = connection.execute(query, list(values)).fetchall()
    return rows[0] if rows else None


def count(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> int:
    """The one number that a query yields."""
    row = first_row(connection, query, values)
    return int(row[0]) if row else 0
