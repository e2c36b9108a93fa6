"""What became of the rows of a load."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Rows that broke one rule; `column` is None when the row as a whole did."""

    column: str | None
    rule: str
    rows: int


@dataclass(frozen=True, slots=True)
class TableReport:
    """One table of a load. `rows` = `accepted` + `duplicates` + the sum of `rejected`.

    `corrected` of the accepted rows amend an earlier version of their record, `withdrawn` of them take theirs back.
    """

    table: str
    files: int
    rows: int
    accepted: int
    duplicates: int = 0
    rejected: tuple[RuleCount, ...] = ()
    corrected: int = 0
    withdrawn: int = 0

    @property
    def rejected_rows(self) -> int:
        """Rejected rows in all."""
        return sum(count.rows for count in self.rejected)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """One load: `load` is its id, `already_loaded` and `ignored` name files that were not read."""

    load: str
    tables: tuple[TableReport, ...]
    already_loaded: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    catalogue: str | None = None
    rejects: Path | None = None

    def table(self, name: str) -> TableReport:
        """Report of one table, of zero rows when the load brought none."""
        return next((item for item in self.tables if item.table == name), TableReport(name, 0, 0, 0))
