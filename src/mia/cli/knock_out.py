"""What `mia evaluate --knock-out` prints: how the ranking would change without each factor."""

from enum import StrEnum

import orjson
import typer

from mia.cli.console import new_table, print_table
from mia.services.decide import Knocked


class Format(StrEnum):
    """How the report is printed."""

    TABLE = "table"
    JSON = "json"


def print_knocked(found: Knocked, form: Format) -> None:
    """One row a factor."""
    if form is Format.JSON:
        typer.echo(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2).decode())
        return
    shown = new_table(
        "without",
        "best offer\nchanges",
        "best 3\nchange",
        "places\nmoved",
        "margin of\nbest 3 lost",
        "share\nof it",
        numbers=5,
    )
    left_out = f", {found.empty:,} more had no offer" if found.empty else ""
    typer.echo(
        f"model {found.version}, policy {found.policy}: {found.requests:,} rankings of {found.source}{left_out}\n"
    )
    for one in found.factors:
        shown.add_row(
            one.factor if one.is_on else f"{one.factor} (off)",
            f"{one.top_changed:.1%}",
            f"{one.top_3_changed:.1%}",
            f"{one.displacement:.2f}",
            f"{one.margin_lost:.2f}",
            f"{one.margin_share:.1%}",
        )
    print_table(shown)
