"""All that the checks judge by, measured once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mia.quality.grid import Grid
from mia.tables import LOCAL_DAY, USAGE


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the rows of one loaded file of usage; `at` in microseconds since the epoch."""

    file: str
    at: int
    rows: int
    duplicates: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Facts:
    """`cells` and `amended` (of the judged days only), `values`, `people` and `tariffs` are the tables of the scans;
    `first_day` is the oldest day of usage in the lake, judged or not; `allowances` are those that there are.
    """

    as_of: int
    first_day: int
    grid: Grid
    cells: pa.Table
    amended: pa.Table
    values: pa.Table
    people: pa.Table
    tariffs: pa.Table
    loads: tuple[Load, ...]
    allowances: tuple[str, ...]

    def total(self, column: str) -> int:
        """Sum of a column of the cells."""
        return int(pc.sum(self.cells[column]).as_py() or 0)


def loads_of(noted: Mapping[str, Mapping[str, Any]] | None) -> tuple[Load, ...]:
    """Loaded files of usage, from what ingest noted; those loaded before it noted counts are left out."""
    return tuple(
        Load(note["file"], note["at"], **{name: note["counts"][name] for name in ("rows", "duplicates", "rejected")})
        for note in (noted or {}).values()
        if note["table"] == USAGE.name and "counts" in note
    )


def since(table: pa.Table, day: int) -> pa.Table:
    """The rows of a day and later."""
    return table.filter(pc.greater_equal(table[LOCAL_DAY], day))
