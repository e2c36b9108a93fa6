"""`mia promote`, `mia rollback`, `mia retrain`: what is live, and how it came to be."""

from typing import Annotated

import typer

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import GateRefused
from mia.evaluation.gate import Check, Colour

REFUSED = 3
WORDS = {
    Colour.GREEN: "passed",
    Colour.AMBER: "passed with a warning",
    Colour.RED: "refused",
    Colour.GREY: "not judged",
}


def promote(
    version: Annotated[str, typer.Argument(help="Version of the candidate.")],
    override: Annotated[
        str | None, typer.Option(help="Let a refused model go live for this reason, which is stored with your name.")
    ] = None,
    home: Home = None,
) -> None:
    """Run the gate on a candidate and make it the champion, or refuse it and say why."""
    with workspace(home) as opened:
        done = opened.promote(version, override=override)
    show_checks(done.verdict.checks)
    if done.override is not None:
        typer.echo(f"the gate refused it; overridden: {done.override}")
    typer.echo(f"model {version} is champion")


def rollback(
    to: Annotated[str | None, typer.Option(help="An earlier champion. Default: the one before the present.")] = None,
    home: Home = None,
) -> None:
    """Return to the last champion at once."""
    with workspace(home) as opened:
        change = opened.roll_back(to=to)
    typer.echo(f"model {change.version} is champion again, {change.reason}")


def retrain(
    as_of: Annotated[
        str | None,
        typer.Option(help="Profiles of this day, training on the events before it. Default: all that is known."),
    ] = None,
    home: Home = None,
) -> None:
    """Profile, train, gate and promote in one step; does nothing when data and settings are those of the last time.

    Exit code 0: promoted, or nothing new. 3: the gate refused the candidate. 2: refused input, or another one running.
    """
    day = None if as_of is None else parse_day(as_of, "--as-of")
    with workspace(home) as opened, progress_bar() as progress:
        try:
            done = opened.retrain(as_of=day, progress=progress)
        except GateRefused as refusal:
            typer.echo(f"mia: {refusal}", err=True)
            raise typer.Exit(REFUSED) from refusal
    if not done.judged:
        typer.echo(f"nothing new: model {done.version} was made from the same data and settings, and {done.outcome}")
        return
    began = "trained" if done.made else "trained by an earlier run that did not end"
    typer.echo(f"model {done.version} is champion, {began}")


def show_checks(checks: tuple[Check, ...]) -> None:
    """One line a check."""
    for check in checks:
        typer.echo(f"{WORDS[check.colour]}: {check}")
