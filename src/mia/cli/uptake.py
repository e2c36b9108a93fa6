"""`mia uptake`: connections by period and how they grew."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import pyarrow as pa
import typer
from pyarrow import csv
from rich.markup import escape

from mia.bootstrap import Workspace
from mia.cli.console import new_table, print_table
from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput
from mia.storage.files import write_table
from mia.timeline import timestamp_of
from mia.uptake.growth import GROUP, SUBGROUP, name_unknown
from mia.uptake.restatement import BY

HEADINGS = {
    "impressions": "impres-\nsions",
    "clicks": "clicks",
    "connections": "connec-\ntions",
    "disconnections": "discon-\nnections",
    "cumulative": "cumu-\nlative",
    "index": "index",
    "growth_percent": "growth\n%",
}
MORE = {
    "net_active": "net\nactive",
    "since_baseline": "since\nbaseline",
    "since_baseline_growth_percent": "growth\n%",
    "per_1000_active": "per 1,000\nactive",
    "acceptance_percent": "accep-\ntance %",
}
DECIMALS = {
    "index": 3,
    "growth_percent": 1,
    "since_baseline_growth_percent": 1,
    "per_1000_active": 2,
    "acceptance_percent": 2,
}
Values = list[str] | None


class Format(StrEnum):
    """How figures are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class GrainName(StrEnum):
    """Length of a period."""

    MONTH = "month"
    WEEK = "week"
    DAY = "day"


def uptake(
    baseline: Annotated[str, typer.Option(help="Month that growth is counted from, YYYY-MM.")],
    by: Annotated[
        str | None,
        typer.Option(
            help="region, macro_region, offer, category, channel, arm, placement or model_version, or two as "
            "`region,arm`; else the total."
        ),
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help="First month to show, YYYY-MM.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last month to show, YYYY-MM.")] = None,
    grain: Annotated[GrainName, typer.Option(help="Length of a period.")] = GrainName.MONTH,
    region: Annotated[Values, typer.Option(help="Only this region; may be repeated, as all filters.")] = None,
    macro_region: Annotated[Values, typer.Option(help="Only this macro-region.")] = None,
    category: Annotated[Values, typer.Option(help="Only offers of this category.")] = None,
    offer: Annotated[Values, typer.Option(help="Only this offer.")] = None,
    channel: Annotated[Values, typer.Option(help="Only this channel.")] = None,
    arm: Annotated[Values, typer.Option(help="Only this arm.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this .csv or .parquet file instead of printing.")] = None,
    more: Annotated[
        bool, typer.Option("--more", help="Table: also net, since baseline, per 1,000, acceptance.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Count everything anew from the ledger first.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Publish all complete months as they are now.")] = False,
    home: Home = None,
) -> None:
    """Connections by period, each counted once, cumulative and against the end of a baseline month.

    A month is published when it is first found complete. Published figures that changed since are listed below the
    table, until --publish accepts them.
    """
    given = {"region": region, "macro_region": macro_region, "category": category}
    given |= {"offer": offer, "channel": channel, "arm": arm}
    only = {name: values for name, values in given.items() if values}
    if form is Format.PARQUET and out is None:
        raise InvalidInput("parquet is written to a file; name it with --out", option="--format")
    with workspace(home) as opened:
        with progress_bar() as progress:
            if rebuild:
                opened.uptake.rebuild(progress)
            opened.uptake.refresh(progress)
        table = opened.uptake.table(baseline, by, start, end, grain=grain.value, only=only)
        months = opened.uptake.months()
        if months and not table.num_rows and not (start is None and end is None):
            raise InvalidInput(
                f"there are no events then; there are from {months[0]} to {months[-1]}", option="--from, --to"
            )
        if out is not None:
            write_table(name_unknown(table), out)
        else:
            _PRINTERS[form](table, more)
        if out is not None or form is Format.TABLE:
            _tell_restatements(opened)
        if publish:
            published = opened.uptake.publish()
            typer.echo(f"published {', '.join(published) or 'nothing: no month is complete'}", err=True)


def _tell_restatements(opened: Workspace) -> None:
    restated = opened.uptake.restated()
    if not restated.num_rows:
        return
    table = new_table("month", "by", "group", "figure", "published", "now", "on", title="Restated", numbers=3)
    for row in name_unknown(restated).to_pylist():
        at = timestamp_of(row["published_at"])
        texts = (row["month"], row[BY], escape(row[GROUP]), row["figure"])
        table.add_row(*texts, f"{row['published']:,}", f"{row['now']:,}", f"{at:%Y-%m-%d}")
    print_table(table)
    typer.echo("restated: figures that changed since they were published; --publish accepts them")


def _print_table(table: pa.Table, more: bool) -> None:
    if table.num_rows == 0:
        typer.echo("No events to report on.")
        return
    period, headings = table.column_names[0], HEADINGS | (MORE if more else {})
    keys = [name for name in (GROUP, SUBGROUP) if name in table.column_names]
    shown = new_table(period, *keys, *headings.values(), numbers=len(headings))
    for row in name_unknown(table).to_pylist():
        name = row[period] + ("" if row["complete"] else "*")
        shown.add_row(name, *(escape(row[key]) for key in keys), *(_cell(key, row[key]) for key in headings))
    print_table(shown)
    typer.echo("index: cumulative connections against those at the end of the baseline month")
    if not all(table["complete"].to_pylist()):
        typer.echo(f"*: the {period} is not complete, its figures may still rise")
    if any(table["small_base"].to_pylist()):
        typer.echo("-: the base is too small to divide by (setting `small_base` in [uptake])")


def _print_csv(table: pa.Table, _more: bool) -> None:
    csv.write_csv(name_unknown(table), sys.stdout.buffer)


def _print_json(table: pa.Table, _more: bool) -> None:
    typer.echo(orjson.dumps(table.to_pylist(), option=orjson.OPT_INDENT_2).decode())


def _cell(name: str, value: Any) -> str:  # noqa: ANN401 - an integer, a float or None
    return "-" if value is None else f"{value:,.{DECIMALS.get(name, 0)}f}"


_PRINTERS = {Format.TABLE: _print_table, Format.CSV: _print_csv, Format.JSON: _print_json}
