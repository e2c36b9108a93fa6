"""The command line: parse, call one service, print. Exit codes: 0 is done, 2 refused input, 3 a refused retraining."""

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mia.cli.backup import backup
from mia.cli.demo import demo
from mia.cli.export_uptake import export_uptake
from mia.cli.ingest import ingest
from mia.cli.keys import keys_app
from mia.cli.lift import lift
from mia.cli.models import models
from mia.cli.monitor import monitor
from mia.cli.person import erase, export
from mia.cli.policy import policy_app
from mia.cli.profile import profile
from mia.cli.promote import promote, retrain, rollback
from mia.cli.prune import prune
from mia.cli.replay import replay
from mia.cli.score import score
from mia.cli.serve import serve
from mia.cli.simulate import simulate
from mia.cli.train import evaluate, train
from mia.cli.uptake import uptake
from mia.cli.validate import validate
from mia.errors import MiaError

app = typer.Typer(name="mia", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for command in (
    demo,
    ingest,
    validate,
    profile,
    train,
    evaluate,
    promote,
    rollback,
    retrain,
    models,
    monitor,
    score,
    serve,
    uptake,
    export_uptake,
    lift,
    replay,
    prune,
    export,
    erase,
    simulate,
    backup,
):
    app.command()(command)
app.add_typer(keys_app(), name="keys")
app.add_typer(policy_app(), name="policy")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mia {metadata.version('mia')}")
        raise typer.Exit


@app.callback()
def options(
    home: Annotated[
        Path | None, typer.Option(help="Workspace folder, else MIA_HOME, else .mia.", file_okay=False)
    ] = None,
    version: Annotated[  # noqa: ARG001 - answered by its callback
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """MIA: a personalised offer recommendation engine for a mobile operator."""
    if home is not None:
        os.environ["MIA_HOME"] = str(home)


def main() -> None:
    """Entry point of the `mia` command."""
    try:
        app()
    except MiaError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"mia: {error}", style="red", markup=False)
        sys.exit(2)
