"""Figures that were published, kept beside the roll-up: a rebuild leaves them as they are."""

from collections.abc import Callable, Collection
from contextlib import closing

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mia.ports import Lake
from mia.services.report.segments import Segments
from mia.uptake.restatement import PUBLISHED_SCHEMA

PUBLISHED = "published"


class PublishedFigures:
    """Publications of monthly figures, each kept for good."""

    def __init__(self, lake: Lake, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._lake, self._connect = lake, connect

    def load(self) -> pa.Table:
        """All publications as `PUBLISHED_SCHEMA`."""
        paths = self._lake.paths(PUBLISHED)
        if not paths:
            return PUBLISHED_SCHEMA.empty_table()
        return pa.concat_tables([pq.read_table(path, partitioning=None).cast(PUBLISHED_SCHEMA) for path in paths])

    def months(self) -> set[str]:
        """Months that were published."""
        return set(self._lake.noted(PUBLISHED) or ())

    def add(self, rows: pa.Table, months: Collection[str]) -> None:
        """Publish the rows of some months; raises WorkspaceBusy."""
        chosen = rows.filter(pc.is_in(rows["month"], pa.array(sorted(months), pa.string())))
        with self._lake.change() as change, closing(self._connect()) as engine:
            engine.register("chosen", chosen)
            Segments(self._lake, change, engine).add(PUBLISHED, "SELECT * FROM chosen", str)
            change.note(PUBLISHED, sorted(self.months() | set(months)))
            change.commit()
