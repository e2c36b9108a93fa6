"""`mia simulate`: write a synthetic operator with known truth."""

import re
from pathlib import Path
from typing import Annotated

import typer

from mia.cli.progress import progress_bar
from mia.errors import InvalidInput
from mia.services.simulate import simulate as simulate_world
from mia.simulator.scenario import Scenario
from mia.timeline import month_number


def simulate(
    subscribers: Annotated[int, typer.Option(help="How many subscribers.")],
    months: Annotated[int, typer.Option(help="How many months of records.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")],
    out: Annotated[Path, typer.Option(help="Folder to write; new, empty or an earlier simulation.", file_okay=False)],
    start: Annotated[str, typer.Option(help="First month, YYYY-MM.")] = "2021-01",
) -> None:
    """Write a synthetic operator: subscribers, usage records, offers, events, and beside them the truth."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", start):
        raise InvalidInput(f"must be a month such as 2021-01, not {start!r}", option="--start")
    scenario = Scenario(subscribers=subscribers, months=months, seed=seed, start=month_number(start))
    with progress_bar() as progress:
        done = simulate_world(scenario, out, progress)
    typer.echo(
        f"{out}: {done.subscribers:,} subscribers, {done.records:,} usage records, {done.events:,} events "
        f"({done.impressions:,} impressions, {done.connections:,} connections)"
    )
