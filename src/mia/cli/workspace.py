"""The workspace of a command: its `--home`, else MIA_HOME, else the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from mia.bootstrap import Workspace, open_workspace, require_workspace
from mia.errors import InvalidInput
from mia.settings import load_settings
from mia.timeline import day_of

Home = Annotated[Path | None, typer.Option("--home", help="Workspace folder.", file_okay=False)]

Engine = Annotated[
    str | None, typer.Option("--engine", help="What computes profiles: duckdb (in this process) or spark.")
]
SparkMaster = Annotated[
    str | None, typer.Option("--spark-master", help="Master URL of Spark, for example spark://host:7077.")
]


@contextmanager
def workspace(home: Path | None, *, make: bool = False, **given: str | None) -> Iterator[Workspace]:
    """The opened workspace, closed at the end; settings that are given go before those of environment and file.

    Only commands that bring something in `make` one; the others raise NotEnoughData where there is none.
    """
    settings = load_settings(home, **given)
    opened = open_workspace(settings) if make else require_workspace(settings)
    try:
        yield opened
    finally:
        opened.close()


def parse_day(text: str, option: str) -> int:
    """Day number of `YYYY-MM-DD`; raises InvalidInput naming the option."""
    try:
        return day_of(date.fromisoformat(text))
    except ValueError as error:
        raise InvalidInput(f"must be a date such as 2021-07-01, not {text!r}", option=option) from error
