"""The report as one HTML page that needs nothing from anywhere else."""

from pathlib import Path

from mia.pages import open_pages
from mia.quality.check import Status, written
from mia.quality.figures import draw_figures
from mia.quality.report import Report

_ORDER = (Status.FAIL, Status.WARN, Status.PASS, Status.SKIP)


def render_page(report: Report) -> str:
    """The page: verdict, checks with examples, plots, tables of kinds and regions; light or dark as the reader is."""
    pages = open_pages(Path(__file__).parent)
    pages.filters |= {"written": written, "cell": _cell}
    return pages.get_template("page.html").render(
        known=report.to_json(),
        checks=sorted(report.checks, key=lambda check: _ORDER.index(check.status)),
        counts=[(status, sum(check.status is status for check in report.checks)) for status in _ORDER],
        figures=draw_figures(report),
        tables=[("Kinds", report.kinds), ("Regions", report.regions)],
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return written(value, "share") if isinstance(value, float) else f"{value:,}"
