"""Reports as HTML pages that need nothing from anywhere else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mia.pages import open_pages
from mia.quality.check import Check, Status, worst_of, written
from mia.quality.figures import Figure, draw_figures
from mia.quality.report import Report
from mia.timeline import date_of

_ORDER = (Status.FAIL, Status.WARN, Status.PASS, Status.SKIP)


def render_page(report: Report) -> str:
    """The page of a lake: verdict, checks with examples, plots, tables of kinds and regions."""
    return render_checks(
        f"the lake as of {date_of(report.facts.as_of)}",
        report.summary,
        report.checks,
        draw_figures(report),
        [("Kinds", report.kinds), ("Regions", report.regions)],
    )


def render_checks(
    subject: str,
    summary: str,
    checks: Sequence[Check],
    figures: Sequence[Figure],
    tables: Sequence[tuple[str, Sequence[dict[str, Any]]]],
) -> str:
    """A page of checks, the grave ones first, with plots and tables below; light or dark as the reader is."""
    pages = open_pages(Path(__file__).parent)
    pages.filters |= {"written": written, "cell": _cell}
    return pages.get_template("page.html").render(
        subject=subject,
        summary=summary,
        status=worst_of(checks),
        checks=sorted(checks, key=lambda check: _ORDER.index(check.status)),
        counts=[(status, sum(check.status is status for check in checks)) for status in _ORDER],
        figures=figures,
        tables=[(title, rows) for title, rows in tables if rows],
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return written(value, "share") if isinstance(value, float) else f"{value:,}"
