"""`mia monitor`: how the live model does on what came after it was trained."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from mia.cli.console import new_table, print_table
from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import InvalidInput
from mia.evaluation.gate import Colour
from mia.evaluation.health import Health
from mia.evaluation.health.page import render_page
from mia.storage.files import replace_durably
from mia.timeline import DAY_SECONDS, MICROSECONDS


class Format(StrEnum):
    """How the report is printed."""

    TABLE = "table"
    JSON = "json"


def monitor(
    model: Annotated[str, typer.Argument(help="Version of the model, or `champion`.")] = "champion",
    days: Annotated[int, typer.Option(min=1, help="Days that count as recent.")] = 30,
    until: Annotated[
        str | None, typer.Option(help="Look at the days before this one, YYYY-MM-DD. Default: all events.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    html: Annotated[Path | None, typer.Option(help="Also write one self-contained page to this .html file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count amber as red.")] = False,
    home: Home = None,
) -> None:
    """Hold a live model against what it learnt from: drift, calibration, AUC, fallbacks, exploration.

    Exit code 0 when no check is red, 1 when one is (with --strict also when one is amber). Limits lie in the settings,
    section [monitor]. The champion's report is kept for the dashboard (/dashboard/monitor) and the metrics.
    """
    if html is not None and (html.suffix != ".html" or not html.absolute().parent.is_dir()):
        raise InvalidInput("the page is a file named .html in a folder that exists", file=str(html))
    end = None if until is None else parse_day(until, "--until") * DAY_SECONDS * MICROSECONDS
    with workspace(home) as opened, progress_bar() as progress:
        health = opened.monitor(model, days=days, until=end, progress=progress)
    if html is not None:
        replace_durably(html, render_page(health).encode())
    if form is Format.JSON:
        typer.echo(orjson.dumps(health.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(health)
    if health.colour is Colour.RED or (strict and health.colour is Colour.AMBER):
        raise typer.Exit(1)


def _print(health: Health) -> None:
    facts = health.facts
    told = "no impressions" if facts.recent is None else f"{len(facts.recent):,} impressions"
    table = new_table("colour", "check", "found", "amber", "red", "note", title=f"Model {facts.version}, {told}")
    for check in health.checks:
        numbers = ("–" if value is None else f"{value:.4g}" for value in (check.found, check.amber, check.red))
        table.add_row(check.colour.value, check.name, *numbers, check.note)
    print_table(table)
    typer.echo(f"model {facts.version} over {facts.days} days: {health.colour.value}")
