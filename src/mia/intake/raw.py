"""A source as it came: a relation of its rows, each with its number."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from mia.intake.quoting import identifier

ROW = ":row"


@dataclass(frozen=True, slots=True)
class Raw:
    """A source as SQL. `relation` goes after FROM and has the column `:row` (1-based data row).

    `types` are the DuckDB types of the source's columns by name; `tables` are the temporary tables behind it.
    """

    relation: str
    types: Mapping[str, str]
    tables: tuple[str, ...] = ()

    def close(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give back what an opened source holds."""
        drop_tables(connection, self.tables)


def drop_tables(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> None:
    """Drop temporary tables, those that were never made among them."""
    for name in names:
        connection.execute(f"DROP TABLE IF EXISTS {identifier(name)}")
