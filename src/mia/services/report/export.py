"""Every table of uptake, one after another, for tools that read files."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from mia.errors import NotEnoughData
from mia.services.report.report import UptakeReport
from mia.services.report.roll_up import Progress, no_progress
from mia.timeline import date_of
from mia.uptake.dimensions import DIMENSIONS, require_dimensions
from mia.uptake.growth import name_unknown
from mia.uptake.headline import usual_baseline

TOTAL = "uptake_total"
FACTS = "uptake_monthly"
RESTATED = "uptake_restatements"
GROUPINGS = (*DIMENSIONS, "region,arm", "macro_region,category", "category,channel")
"""What figures are exported by where nothing else is asked for."""


class UptakeExport:
    """The tables of one export, all of one state of the roll-up as long as nobody carries it on.

    `baseline` is a month (by default the usual one), `grain` month, week or day, `groupings` what figures are grouped
    by. Raises NotEnoughData without events, and InvalidInput that names the parameter.
    """

    def __init__(
        self,
        report: UptakeReport,
        baseline: str | None = None,
        grain: str = "month",
        groupings: Sequence[str] = GROUPINGS,
    ) -> None:
        months = report.months()
        if not months:
            raise NotEnoughData("there are no events to export yet; `mia ingest` loads them")
        for by in groupings:
            require_dimensions(by)
        self._report, self._grain = report, grain
        self._groupings = list(dict.fromkeys(groupings))
        self.baseline = usual_baseline(months) if baseline is None else baseline

    def tables(self, progress: Progress = no_progress) -> Iterator[tuple[str, pa.Table]]:
        """The name and rows of each table: figures in all and by each grouping, facts, restatements."""
        total = len(self._groupings) + 3
        for done, by in enumerate((None, *self._groupings)):
            progress("tables", done, total)
            table = self._report.table(self.baseline, by, grain=self._grain)
            yield TOTAL if by is None else f"uptake_by_{by.replace(',', '_')}", name_unknown(table)
        progress("tables", total - 2, total)
        yield FACTS, self._report.facts()
        progress("tables", total - 1, total)
        yield RESTATED, name_unknown(self._report.restated())
        progress("tables", total, total)

    def about(self) -> dict[str, object]:
        """What the tables were made of and how, ready for JSON."""
        span = self._report.span()
        arrived = None if span is None else span.arrived_day
        return {
            "baseline": self.baseline,
            "grain": self._grain,
            "ledger_position": self._report.position(),
            "arrived_until": None if arrived is None else date_of(arrived).isoformat(),
        }
