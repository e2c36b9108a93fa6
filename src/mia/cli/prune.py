"""`mia prune`: what is older than it need be goes."""

import typer

from mia.cli.workspace import Home, workspace


def prune(home: Home = None) -> None:
    """Remove decisions of months before those that [retention] decision_months keeps; events stay for good."""
    with workspace(home) as opened:
        removed = opened.prune()
        kept = opened.settings.retention.decision_months
    typer.echo(f"{removed} decisions removed; this month and the {kept} before it are kept")
