"""The lake: tables of parquet files, changed all or nothing."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One immutable parquet file of the lake. `day` is its local day for tables partitioned by day."""

    table: str
    path: str
    rows: int
    load: str
    day: int | None = None


class LakeChange(Protocol):
    """A change of the lake that becomes visible as a whole, or not at all."""

    def folder(self) -> Path:
        """Where new files of this change are to be written; their names must be unique in the lake."""

    def add(self, table: str, path: Path, *, rows: int, load: str, day: int | None = None) -> None:
        """Take a file written below `folder()` into the lake."""

    def drop(self, table: str, days: Iterable[int] | None = None) -> None:
        """Leave out the files that the table has now (only those of `days` when given)."""

    def rewrite(self, file: LakeFile, path: Path, rows: int) -> None:
        """Put a file written below `folder()`, with fewer rows, in the place of a live one and under its name."""

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Keep a small JSON value beside the files (loads seen, current catalogue, roll-up state)."""

    def commit(self) -> None:
        """Make the change visible, durably and at once."""


class Lake(Protocol):
    """Parquet files under one atomically replaced manifest."""

    def files(self, table: str | None, days: Iterable[int] | None = None) -> list[LakeFile]:
        """Live files of a table, or of all tables, oldest first."""

    def paths(self, table: str, days: Iterable[int] | None = None) -> list[str]:
        """Absolute paths of the live files."""

    def noted(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """A value kept by `LakeChange.note`, or None."""

    def change(self) -> AbstractContextManager[LakeChange]:
        """The only change at work, as a context; left without a commit it changes nothing. Raises WorkspaceBusy."""
