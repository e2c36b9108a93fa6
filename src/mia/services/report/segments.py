"""Files of a roll-up: each refresh adds small ones, and now and then the smallest become one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from mia.intake.quoting import literal, literals
from mia.ports import Lake, LakeChange, LakeFile

MOST_FILES = 16
"""Files of one table and part; when there are more, the smaller half is merged, so each row is written a few times."""
LOAD = "uptake"


class Segments:
    """The files of one change of a roll-up; a *part* is the `day` of the lake's files."""

    def __init__(self, lake: Lake, change: LakeChange, engine: duckdb.DuckDBPyConnection) -> None:
        self._lake, self._change, self._engine = lake, change, engine
        self._count = 0

    def add(self, table: str, query: str, merged: Callable[[str], str], part: int | None = None) -> None:
        """Add the rows of a query, if there are any; `merged` is the query that makes one file of several."""
        path, rows = self._write(query)
        if not rows:
            path.unlink()
            return
        parts = None if part is None else [part]
        files = self._lake.files(table, parts)
        if len(files) < MOST_FILES:
            self._change.add(table, path, rows=rows, load=LOAD, day=part)
            return
        there = list(zip(files, map(Path, self._lake.paths(table, parts)), strict=True))
        there.sort(key=lambda one: one[0].rows)
        smaller, larger = there[: MOST_FILES // 2], there[MOST_FILES // 2 :]
        whole, count = self._write(merged(reading([path, *(path for _, path in smaller)])))
        path.unlink()
        self._change.drop(table, parts)
        for file, kept in larger:
            self._change.add(table, kept, rows=file.rows, load=LOAD, day=part)
        self._change.add(table, whole, rows=count, load=LOAD, day=part)

    def _write(self, query: str) -> tuple[Path, int]:
        self._count += 1
        path = self._change.folder() / f"{self._count}.parquet"
        found = self._engine.execute(
            f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        return path, int(found[0]) if found else 0


def reading(paths: Sequence[Path | str], otherwise: str = "") -> str:
    """A query of all rows of some files; `otherwise` when there are none."""
    if not paths:
        return otherwise
    return f"SELECT * FROM read_parquet([{literals([str(path) for path in paths])}], hive_partitioning = false)"


def parts_of(files: Sequence[LakeFile]) -> list[int]:
    """The parts that have files."""
    return sorted({file.day for file in files if file.day is not None})
