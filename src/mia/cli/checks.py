"""How commands print the named checks of a report, and what their verdict is."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mia.errors import InvalidInput
from mia.quality.check import Check, Status, written

_STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.SKIP: "dim"}


class Format(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"


class Report(Protocol):
    """What every report on named checks has."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks."""

    @property
    def status(self) -> Status:
        """The worst verdict."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""


Tables = Sequence[tuple[str, Sequence[Mapping[str, Any]]]]


def show_report(
    report: Report, form: Format, summary: str, tables: Callable[[], Tables], headings: Mapping[str, str]
) -> None:
    """Print a report as JSON, or for people: its summary, checks with examples, and tables of figures."""
    if form is Format.JSON:
        typer.echo(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2).decode())
        return
    Console().print(escape(summary), highlight=False, soft_wrap=True)
    _print_checks(report.checks)
    for title, rows in tables():
        if rows:
            _print_rows(title, rows, headings)
    Console().print(f"{_verdict(report.status)}: {_tally(report)}", highlight=False)


def is_failed(report: Report, *, strict: bool) -> bool:
    """Whether any check is FAIL, or, when `strict`, WARN."""
    return report.status is Status.FAIL or (strict and report.status is Status.WARN)


def require_page(path: Path) -> None:
    """Refuse a place where no page can be written, before the work is done."""
    if path.suffix != ".html" or path.is_dir():
        raise InvalidInput("the page is a file named .html", file=str(path))
    if not path.absolute().parent.is_dir():
        raise InvalidInput("the folder of the page does not exist", file=str(path))


def _print_checks(found: Sequence[Check]) -> None:
    checks = _table("Checks")
    checks.add_column("")
    checks.add_column("check", no_wrap=True)
    for heading in ("value", "warn", "fail"):
        checks.add_column(heading, justify="right", no_wrap=True)
    checks.add_column("what")
    for check in found:
        limits = (written(limit, check.unit) for limit in (check.limit.warn, check.limit.fail))
        checks.add_row(_verdict(check.status), check.name, check.figure, *limits, check.about)
    Console().print(checks)
    for check in found:
        if check.status is not Status.PASS:
            note = f": {check.note}" if check.note else ""
            Console().print(f"{_verdict(check.status)} {check.name}{escape(note)}", highlight=False, soft_wrap=True)
            for example in check.examples:
                Console().print(f"     {escape(str(example))}", highlight=False, soft_wrap=True)


def _verdict(status: Status) -> str:
    return f"[{_STYLES[status]}]{status}[/]"


def _print_rows(title: str, rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str]) -> None:
    table = _table(title)
    for place, name in enumerate(rows[0]):
        heading = headings.get(name, name)
        table.add_column(
            heading, justify="right" if place else "left", no_wrap=name.startswith("newest"), overflow="fold"
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def _cell(value: Any) -> str:  # noqa: ANN401 - a name, a count, a share or None
    if value is None:
        return "-"
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else escape(value)


def _tally(report: Report) -> str:
    counts = {status: sum(check.status is status for check in report.checks) for status in Status}
    return ", ".join(f"{number} {status}" for status, number in counts.items() if number)
