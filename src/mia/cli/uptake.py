"""`mia uptake`: connections by month and how they grew."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import orjson
import pyarrow as pa
import typer
from pyarrow import csv
from rich.markup import escape

from mia.cli.console import new_table, print_table
from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput
from mia.uptake.growth import name_unknown

HEADINGS = {
    "month": "month",
    "group": "group",
    "impressions": "impres-\nsions",
    "clicks": "clicks",
    "connections": "connec-\ntions",
    "disconnections": "discon-\nnections",
    "cumulative": "cumu-\nlative",
    "index": "index",
    "growth_percent": "growth\n%",
}


DECIMALS = {"index": 3, "growth_percent": 1}


class Format(StrEnum):
    """How figures are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def uptake(
    baseline: Annotated[str, typer.Option(help="Month that growth is counted from, YYYY-MM.")],
    by: Annotated[str | None, typer.Option(help="region, macro_region, offer, channel or arm; else the total.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First month to show, YYYY-MM.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last month to show, YYYY-MM.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    home: Home = None,
) -> None:
    """Connections by month, each counted once, cumulative and against the end of a baseline month."""
    with workspace(home) as opened:
        table = opened.uptake.table(baseline, by, start, end)
        months = opened.uptake.months()
    if months and not table.num_rows and not (start is None and end is None):
        raise InvalidInput(
            f"there are no events then; there are from {months[0]} to {months[-1]}", option="--from, --to"
        )
    _PRINTERS[form](table)


def _print_table(table: pa.Table) -> None:
    if table.num_rows == 0:
        typer.echo("No events to report on.")
        return
    shown = new_table(*HEADINGS.values(), numbers=len(HEADINGS) - 2)
    for row in name_unknown(table).to_pylist():
        month, group = row["month"] + ("" if row["complete"] else "*"), escape(row["group"])
        shown.add_row(month, group, *(_cell(name, row[name]) for name in list(HEADINGS)[2:]))
    print_table(shown)
    typer.echo("index: cumulative connections against those at the end of the baseline month")
    if not all(table["complete"].to_pylist()):
        typer.echo("*: the month is not complete, its figures may still rise")


def _print_csv(table: pa.Table) -> None:
    csv.write_csv(name_unknown(table), sys.stdout.buffer)


def _print_json(table: pa.Table) -> None:
    typer.echo(orjson.dumps(table.to_pylist(), option=orjson.OPT_INDENT_2).decode())


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - an integer, a float or None
    return "-" if value is None else f"{value:,.{DECIMALS.get(name, 0)}f}"


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
