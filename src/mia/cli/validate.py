"""`mia validate`: what is wrong with the lake, if anything."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import InvalidInput
from mia.quality.check import Status, written
from mia.quality.page import render_page
from mia.quality.report import Report
from mia.storage.files import replace_durably

_STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.SKIP: "dim"}

_HEADINGS = {
    "newest_usage": "newest",
    "newest_arrival": "arrived",
    "completeness": "30 days",
    "silent_30_days": "silent 30",
    "silent_90_days": "silent 90",
}


class Format(StrEnum):
    """How the report is printed."""

    TABLE = "table"
    JSON = "json"


def validate(
    as_of: Annotated[
        str | None, typer.Option(help="Judge the days before this one, YYYY-MM-DD. Default: today (UTC).")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    html: Annotated[Path | None, typer.Option(help="Also write one self-contained page to this .html file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count a WARN as a FAIL.")] = False,
    home: Home = None,
) -> None:
    """Check the lake: freshness, completeness, drops, silent subscribers, duplicates, lateness, values.

    Exit code 0 when every check is PASS, WARN or SKIP (nothing to judge), 1 when one is FAIL (with --strict also when
    one is WARN), 2 when there is nothing to check. Limits lie in the settings, section [validate].
    """
    day = None if as_of is None else parse_day(as_of, "--as-of")
    if html is not None:
        _require_page(html)
    with workspace(home) as opened, progress_bar() as progress:
        report = opened.validate(day, progress=progress)
    if html is not None:
        replace_durably(html, render_page(report).encode())
    _PRINTERS[form](report)
    if report.status is Status.FAIL or (strict and report.status is Status.WARN):
        raise typer.Exit(1)


def _require_page(path: Path) -> None:
    if path.suffix != ".html" or path.is_dir():
        raise InvalidInput("the page is a file named .html", file=str(path))
    if not path.absolute().parent.is_dir():
        raise InvalidInput("the folder of the page does not exist", file=str(path))


def _print_json(report: Report) -> None:
    typer.echo(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2).decode())


def _print_tables(report: Report) -> None:
    known = report.to_json()
    Console().print(
        f"lake as of {known['as_of']}: {known['records']:,} records of {known['first_day']} to {known['newest_day']}, "
        f"{known['subscribers']:,} subscribers",
        highlight=False,
        soft_wrap=True,
    )
    checks = _table("Checks")
    checks.add_column("")
    checks.add_column("check", no_wrap=True)
    for heading in ("value", "warn", "fail"):
        checks.add_column(heading, justify="right", no_wrap=True)
    checks.add_column("what")
    for check in report.checks:
        limits = (written(limit, check.unit) for limit in (check.limit.warn, check.limit.fail))
        checks.add_row(_verdict(check.status), check.name, check.figure, *limits, check.about)
    Console().print(checks)
    for check in report.checks:
        if check.status is not Status.PASS:
            note = f": {check.note}" if check.note else ""
            Console().print(f"{_verdict(check.status)} {check.name}{escape(note)}", highlight=False, soft_wrap=True)
            for example in check.examples:
                Console().print(f"     {escape(str(example))}", highlight=False, soft_wrap=True)
    _print_rows("Kinds", report.kinds)
    _print_rows("Regions", report.regions)
    Console().print(f"{_verdict(report.status)}: {_tally(report)}", highlight=False)


def _verdict(status: Status) -> str:
    return f"[{_STYLES[status]}]{status}[/]"


def _print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    table = _table(title)
    for place, name in enumerate(rows[0]):
        heading = _HEADINGS.get(name, name)
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


_PRINTERS = {Format.TABLE: _print_tables, Format.JSON: _print_json}
