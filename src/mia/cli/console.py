"""Where commands print tables for people."""

from rich.console import Console

console = Console()
