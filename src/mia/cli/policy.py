"""`mia policy`: show, check and set what steers decisions."""

from pathlib import Path
from typing import Annotated

import typer

from mia.cli.workspace import Home, workspace
from mia.offers.policy import default_text, load_policy

File = Annotated[Path, typer.Argument(help="Policy file in YAML.", dir_okay=False)]


def show_policy(
    version: Annotated[str | None, typer.Argument(help="Version. Default: the one in force.")] = None,
    default: Annotated[bool, typer.Option("--default", help="The file that ships with MIA instead.")] = False,
    home: Home = None,
) -> None:
    """Print a policy as the commented file that it was set from."""
    if default:
        typer.echo(default_text(), nl=False)
        return
    with workspace(home) as opened:
        typer.echo(opened.policy_text(version), nl=False)


def check_policy(file: File) -> None:
    """Say whether a file is a valid policy, and its version."""
    _, policy = load_policy(file)
    typer.echo(f"{file}: valid, version {policy.version}")


def set_policy(file: File, home: Home = None) -> None:
    """Put a policy in force; a service that runs takes it over within seconds."""
    with workspace(home) as opened:
        before, after = opened.policy(), opened.set_policy(file)
    typer.echo(
        f"policy {after.version} is in force already"
        if before.version == after.version
        else f"policy {after.version} is in force; before: {before.version}"
    )


def policy_app() -> typer.Typer:
    """The commands under `mia policy`."""
    app = typer.Typer(no_args_is_help=True, help="Show, check and set the policy of decisions.")
    app.command("show")(show_policy)
    app.command("check")(check_policy)
    app.command("set")(set_policy)
    return app
