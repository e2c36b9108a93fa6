"""`mia profile`: refresh the daily roll-ups and publish the profiles of a day."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mia.cli.progress import progress_bar
from mia.cli.workspace import Engine, Home, SparkMaster, parse_day, workspace
from mia.errors import InvalidInput
from mia.profiles.features import describe as describe_features
from mia.profiles.features.page import with_feature_tables
from mia.storage.files import replace_durably, require_writable


def profile(
    as_of: Annotated[
        str | None,
        typer.Option(help="Day D: what is known at 00:00 local time of D. Default: the day after the newest usage."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the profiles to this .parquet or .csv file.")] = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print every feature with unit and window, and stop.")
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(help="With --describe: put the tables of features between the markers of this page instead."),
    ] = None,
    engine: Engine = None,
    spark_master: SparkMaster = None,
    home: Home = None,
) -> None:
    """Fold new usage into daily roll-ups and publish the profiles of a day."""
    if markdown is not None and not describe:
        raise InvalidInput("only goes with --describe", column="--markdown")
    if describe:
        if markdown is None:
            _print_features()
        else:
            _write_features(markdown)
        return
    if out is not None:
        require_writable(out)
    with workspace(home, engine=engine, spark_master=spark_master) as opened, progress_bar() as progress:
        day = opened.profile_day(None if as_of is None else parse_day(as_of, "--as-of"))
        done = opened.refresh(day, out=out, progress=progress)
        current = opened.profiles.current()
    typer.echo(
        f"snapshot {done.snapshot}: {done.subscribers:,} profiles, {done.days_folded} days folded"
        + (f", written to {out}" if out else "")
        + (f"; {current} is of a later day and stays the current one" if current != done.snapshot else "")
    )


def _print_features() -> None:
    table = Table("name", "unit", "window", "description", title="Profile features")
    group = ""
    for row in describe_features():
        if row["group"] != group:
            group = row["group"]
            table.add_section()
        table.add_row(row["name"], row["unit"], row["window"], row["description"])
    Console().print(table)


def _write_features(page: Path) -> None:
    if not page.is_file():
        raise InvalidInput("no such file", file=str(page))
    replace_durably(page, with_feature_tables(page.read_text("utf-8"), str(page)).encode())
