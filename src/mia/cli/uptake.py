"""`mia uptake`: connections by month and how they grew."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import orjson
import pyarrow as pa
import typer
from pyarrow import csv
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mia.cli.workspace import Home, workspace


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
    _PRINTERS[form](table)


def _print_table(table: pa.Table) -> None:
    if table.num_rows == 0:
        typer.echo("No events to report on.")
        return
    shown = Table(caption="index: cumulative connections against the end of the baseline month; … = not complete yet")
    for name in table.column_names[:-1]:
        shown.add_column(name.replace("_percent", " %"), justify="left" if name in ("month", "group") else "right")
    for row in table.to_pylist():
        month = row.pop("month") + ("" if row.pop("complete") else " …")
        group = row.pop("group") or "(unknown)"
        shown.add_row(month, escape(group), *(_cell(value) for value in row.values()))
    Console().print(shown)


def _print_csv(table: pa.Table) -> None:
    csv.write_csv(table, sys.stdout.buffer)


def _print_json(table: pa.Table) -> None:
    typer.echo(orjson.dumps(table.to_pylist(), option=orjson.OPT_INDENT_2).decode())


def _cell(value: Any) -> str:  # noqa: ANN401 - an integer, a float or None
    if value is None:
        return "-"
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
