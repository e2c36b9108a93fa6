"""The data engine behind the lake: DuckDB in one process, spoken to through Ibis and, where rules are text, SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    import ibis

CODEC = "snappy"
GROUP_ROWS = 20_480
"""Rows of a row group of what is read as a whole: threads share a file by row groups."""


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """Opens connections that all agree: UTC sessions, bounded memory and threads, spill below `spill`."""

    threads: int = 2
    memory_limit: str = "2GB"
    spill: Path | None = None

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A fresh in-memory connection for SQL."""
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        # Told only where there is one: in a notebook without widgets DuckDB refuses every word about it.
        if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (True,):
            connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET threads = {int(self.threads)}")
        connection.execute(f"SET memory_limit = '{self.memory_limit}'")
        if self.spill is not None:
            connection.execute("SET temp_directory = ?", [str(self.spill)])
        return connection

    def open(self) -> "Session":
        """A fresh session for Ibis expressions."""
        return Session(self.connect())


class Session:
    """One DuckDB connection with an Ibis face; close it, or use it as a context."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # Whoever speaks SQL alone, as a server does, has no use for it: it takes a third of a second and 20 MB.
        import ibis

        self._raw = connection
        self._ibis = ibis.duckdb.from_connection(connection)
        self._count = 0

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def read(self, paths: Sequence[str]) -> "ibis.Table":
        """A table over parquet files, read by column name."""
        # A workspace may lie below a folder named key=value, which is no column of ours.
        return self._ibis.read_parquet(
            list(paths), table_name=self._name(), union_by_name=True, hive_partitioning=False
        )

    def table(self, data: pa.Table) -> "ibis.Table":
        """A table over Arrow data in memory, without copying it."""
        name = self._name()
        self._raw.register(name, data)
        return self._ibis.table(name)

    def fetch(self, expression: "ibis.Table") -> pa.Table:
        """Run an expression."""
        return self._raw.sql(self._ibis.compile(expression)).to_arrow_table()

    def transform(
        self,
        tables: Mapping[str, "ibis.Table"],
        function: Callable[[Mapping[str, pa.Table]], pa.Table],
        folder: Path,  # noqa: ARG002 - nothing has to lie on disk in between
    ) -> pa.Table:
        """Run a function over the results of some expressions."""
        return function({name: self.fetch(table) for name, table in tables.items()})

    def write(self, expression: "ibis.Table", path: Path) -> int:
        """Run an expression into one parquet file, in no order; returns its rows."""
        query = self._ibis.compile(expression)
        found = self._raw.execute(
            f"COPY ({query}) TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION {CODEC}, ROW_GROUP_SIZE {GROUP_ROWS})"
        ).fetchone()
        return int(found[0]) if found else 0

    def write_by_day(
        self, expression: "ibis.Table", folder: Path, *, column: str, order_by: Sequence[str]
    ) -> list[tuple[int, Path, int]]:
        """Run an expression into files of one day each below `folder`; `column` holds the day and stays in the files.

        Returns day, path and number of rows of every file.
        """
        ordered = expression.order_by([column, *order_by]) if order_by else expression
        query = self._ibis.compile(ordered)
        written = self._raw.execute(
            f"COPY ({query}) TO '{_quoted(folder)}' (FORMAT parquet, COMPRESSION {CODEC}, "
            f"PARTITION_BY ({column}), WRITE_PARTITION_COLUMNS true, RETURN_STATS true)"
        ).fetchall()
        files = [(Path(row[0]), int(row[1])) for row in written]
        return sorted((int(path.parent.name.removeprefix(f"{column}=")), path, rows) for path, rows in files)

    def _name(self) -> str:
        self._count += 1
        return f"input_{self._count}"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
