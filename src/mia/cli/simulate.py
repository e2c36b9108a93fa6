"""`mia simulate`: write a synthetic operator with known truth, or play its subscribers against a running service."""

import re
from pathlib import Path
from typing import Annotated

import typer

from mia.cli.living import CLIENTS, URL, WORLD, Living, live
from mia.cli.progress import progress_bar
from mia.cli.workspace import Home
from mia.errors import InvalidInput
from mia.services.simulate import simulate as simulate_world
from mia.simulator.scenario import Scenario
from mia.timeline import month_number

START = "2021-01"


def simulate(
    subscribers: Annotated[int | None, typer.Option(help="How many subscribers.")] = None,
    months: Annotated[int | None, typer.Option(min=1, help="How many months of records; with --live 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; new, empty or an earlier simulation.", file_okay=False)
    ] = None,
    start: Annotated[str | None, typer.Option(help=f"First month, YYYY-MM.  [default: {START}]")] = None,
    living: Annotated[
        bool, typer.Option("--live", help="Instead: play the next months of a world against the service of `mia demo`.")
    ] = False,
    world: Annotated[
        Path | None, typer.Option(help=f"With --live: folder that the world was written to.  [default: {WORLD}]")
    ] = None,
    url: Annotated[str | None, typer.Option(help=f"With --live: address of the service.  [default: {URL}]")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="With --live: only the first days of a month, and nothing is trained.")
    ] = None,
    clients: Annotated[
        int | None, typer.Option(min=1, max=64, help=f"With --live: requests at once.  [default: {CLIENTS}]")
    ] = None,
    home: Home = None,
) -> None:
    """Write a synthetic operator: subscribers, usage records, offers, events, and beside them the truth.

    With --live its subscribers live on: they come to a running service, see its offers and answer by their hidden
    probabilities; after each month their usage is loaded, and a model is trained, judged and, if it passes, goes live.
    """
    if living:
        _refuse(
            {"--subscribers": subscribers, "--seed": seed, "--out": out, "--start": start}, "does not go with --live"
        )
        live(Living(world or WORLD, url or URL, months or 1, days, clients or CLIENTS), home)
        return
    _refuse({"--world": world, "--url": url, "--days": days, "--clients": clients}, "only goes with --live")
    if subscribers is None or months is None or seed is None or out is None:
        given = {"--subscribers": subscribers, "--months": months, "--seed": seed, "--out": out}
        missing = next(option for option, value in given.items() if value is None)
        raise InvalidInput("is needed, unless it is --live", option=missing)
    begin = START if start is None else start
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", begin):
        raise InvalidInput(f"must be a month such as 2021-01, not {begin!r}", option="--start")
    scenario = Scenario(subscribers=subscribers, months=months, seed=seed, start=month_number(begin))
    with progress_bar() as progress:
        done = simulate_world(scenario, out, progress)
    typer.echo(
        f"{out}: {done.subscribers:,} subscribers, {done.records:,} usage records, {done.events:,} events "
        f"({done.impressions:,} impressions, {done.connections:,} connections)"
    )


def _refuse(given: dict[str, object], rule: str) -> None:
    for option, value in given.items():
        if value is not None:
            raise InvalidInput(rule, option=option)
