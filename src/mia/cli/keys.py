"""`mia keys`: make, list, rotate and revoke the keys of the HTTP door."""

from typing import Annotated

import typer
from rich.markup import escape

from mia.cli.console import new_table, print_table
from mia.cli.workspace import Home, workspace
from mia.timeline import MICROSECONDS, timestamp_of

HOUR = 3_600 * MICROSECONDS


def create_key(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    scope: Annotated[list[str], typer.Option(help="offers, events, uptake or admin; give one or more.")],
    home: Home = None,
) -> None:
    """Make a key and print its secret, which can never be seen again."""
    with workspace(home, make=True) as opened:
        secret = opened.keys.create(name, scope)
    typer.echo(secret)


def list_keys(home: Home = None) -> None:
    """List all keys, revoked ones too; a rotated one is revoked at the end of its grace."""
    with workspace(home) as opened:
        keys = opened.keys.all()
    if not keys:
        typer.echo("No keys yet; `mia keys create NAME --scope offers` makes one.")
        return
    shown = new_table("name", "scopes", "created", "revoked")
    for key in keys:
        revoked = "" if key.revoked_at is None else _time(key.revoked_at)
        shown.add_row(escape(key.name), " ".join(sorted(key.scopes)), _time(key.created_at), revoked)
    print_table(shown)


def rotate_key(
    name: Annotated[str, typer.Argument(help="Name of a live key.")],
    grace_hours: Annotated[float, typer.Option(min=0, max=24 * 90, help="Hours the old secret still passes.")] = 24,
    home: Home = None,
) -> None:
    """Print a new secret for a key; the old one passes until its grace is over."""
    with workspace(home) as opened:
        secret = opened.keys.rotate(name, int(grace_hours * HOUR))
    typer.echo(secret)


def revoke_key(name: Annotated[str, typer.Argument(help="Name of a live key.")], home: Home = None) -> None:
    """Make a key useless at once, with every secret it was rotated from."""
    with workspace(home) as opened:
        opened.keys.revoke(name)
    typer.echo(f"revoked {name}")


def keys_app() -> typer.Typer:
    """The commands under `mia keys`."""
    app = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")
    app.command("create")(create_key)
    app.command("list")(list_keys)
    app.command("rotate")(rotate_key)
    app.command("revoke")(revoke_key)
    return app


def _time(micros: int) -> str:
    return timestamp_of(micros).strftime("%Y-%m-%d %H:%M UTC")
