"""`mia replay`: rebuild a decision and compare."""

from typing import Annotated

import typer
from rich.table import Table

from mia.cli.console import console
from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput


def replay(decision_id: Annotated[str, typer.Argument(help="Id of the decision.")], home: Home = None) -> None:
    """Rebuild a decision from its versions, seed and ledger position, and compare it with what was answered."""
    with workspace(home) as opened:
        found = opened.decisions.replay(decision_id)
    table = Table("position", "offer", "acceptance", "expected value", "propensity", title=f"decision {decision_id}")
    for offer in found.rebuilt.offers:
        table.add_row(
            str(offer.position),
            offer.offer_id,
            f"{offer.acceptance:.6f}",
            f"{offer.expected_value:.4f}",
            f"{offer.propensity:.6f}",
        )
    console.print(table)
    dropped = Table("not shown", "rule")
    for offer_id, rule in found.rebuilt.dropped.items():
        dropped.add_row(offer_id, rule)
    console.print(dropped)
    if found.differences:
        raise InvalidInput(f"the rebuilt decision differs in {', '.join(found.differences)}", column=decision_id)
    typer.echo("rebuilt identically")
