"""Where commands print tables for people."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

UNBOUNDED = 10_000
"""Wider than any table, in characters."""


def new_table(*headings: str, title: str | None = None, numbers: int = 0) -> Table:
    """A table without frames, so that figures have the width for themselves; the last `numbers` columns stand right.

    A heading may have lines of its own.
    """
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", padding=0, show_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        right = place >= len(headings) - numbers
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    return table


def print_table(table: Table) -> None:
    """Print a table whole: where it is wider than the terminal its lines run on, but no cell is ever cut."""
    out = Console()
    table.width = out.measure(table, options=out.options.update(width=UNBOUNDED)).maximum
    out.print(table, crop=False, highlight=False)
    out.print()
