"""The engine that runs expressions over tables, embedded or on a cluster."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    import ibis


class Session(Protocol):
    """One open connection to a data engine; tables are Ibis expressions, all times are UTC."""

    def __enter__(self) -> "Session":
        """Use the session as a context."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def read(self, paths: Sequence[str]) -> "ibis.Table":
        """A table over parquet files, read by column name."""

    def table(self, data: pa.Table) -> "ibis.Table":
        """A table over Arrow data in memory."""

    def fetch(self, expression: "ibis.Table") -> pa.Table:
        """Run an expression."""

    def transform(
        self, tables: Mapping[str, "ibis.Table"], function: Callable[[Mapping[str, pa.Table]], pa.Table], folder: Path
    ) -> pa.Table:
        """Run a function over the results of some expressions, where the data is.

        The function may be called several times, each time with all rows of some of the subscribers, and once with
        empty tables; its results are put together. Results may pass through `folder`, which must not be there yet.
        """

    def write(self, expression: "ibis.Table", path: Path) -> int:
        """Run an expression into one parquet file, in no order; returns its rows."""

    def write_by_day(
        self, expression: "ibis.Table", folder: Path, *, column: str, order_by: Sequence[str]
    ) -> list[tuple[int, Path, int]]:
        """Run an expression into files of one day each below `folder`; returns day, path and rows of every file."""


class Engine(Protocol):
    """A data engine that runs the Ibis expressions of the profiles."""

    def open(self) -> Session:
        """A fresh session, to be used as a context."""
