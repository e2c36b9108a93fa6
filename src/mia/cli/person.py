"""`mia export` and `mia erase`: all that is held of one person, handed out or forgotten."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, workspace

Subscriber = Annotated[str, typer.Argument(help="Id of the subscriber, as it was brought in.")]


def export(
    subscriber: Subscriber,
    out: Annotated[Path | None, typer.Option(help="JSON file to write, else standard output.", dir_okay=False)] = None,
    home: Home = None,
) -> None:
    """Write all that is held of a subscriber as JSON: records, profile, events, decisions, rejected rows."""
    with workspace(home) as opened, progress_bar() as progress:
        found = opened.export_person(subscriber, progress)
    content = orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    if out is None:
        typer.echo(content)
    else:
        out.write_bytes(content)
        typer.echo(f"written to {out}")


def erase(
    subscriber: Subscriber,
    snapshots: Annotated[
        bool,
        typer.Option("--snapshots", help="Publish the profiles anew, and remove snapshots that know the subscriber."),
    ] = False,
    home: Home = None,
) -> None:
    """Forget a subscriber: records, decisions and rejected rows go, events lose the name, totals stay as they are."""
    with workspace(home) as opened, progress_bar() as progress:
        erased = opened.erase_person(subscriber, snapshots=snapshots, progress=progress)
    for table, rows in erased.rows.items():
        typer.echo(f"{rows} rows of {table} removed")
    typer.echo(
        f"{erased.rejects} rejected rows and {erased.decisions} decisions removed; "
        f"{erased.events} events go on without a name"
    )
    if erased.snapshots:
        typer.echo(
            f"still in {len(erased.snapshots)} profile snapshots: the next `mia profile` publishes without, and "
            "`mia erase SUBSCRIBER --snapshots` removes those that are left"
        )
