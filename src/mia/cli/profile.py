"""`mia profile`: refresh the daily roll-ups and publish the profiles of a day."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mia.cli.console import console
from mia.cli.progress import progress_bar
from mia.cli.workspace import Engine, Home, SparkMaster, parse_day, workspace
from mia.errors import NotEnoughData
from mia.profiles.features import describe as describe_features
from mia.storage.files import require_writable


def profile(
    as_of: Annotated[
        str | None,
        typer.Option(help="Day D: what is known at 00:00 local time of D. Default: the day after the newest usage."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the profiles to this .parquet or .csv file.")] = None,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print every feature with unit and window, and stop.")
    ] = False,
    engine: Engine = None,
    spark_master: SparkMaster = None,
    home: Home = None,
) -> None:
    """Fold new usage into daily roll-ups and publish the profiles of a day."""
    if describe:
        _print_features()
        return
    if out is not None:
        require_writable(out)
    with workspace(home, engine=engine, spark_master=spark_master) as opened, progress_bar() as progress:
        days = [file.day for file in opened.lake.files("usage") if file.day is not None]
        if not days:
            raise NotEnoughData("the lake holds no usage records; `mia ingest` loads them")
        day = max(days) + 1 if as_of is None else parse_day(as_of, "--as-of")
        done = opened.refresh(day, out=out, progress=progress)
    typer.echo(
        f"snapshot {done.snapshot}: {done.subscribers:,} profiles, {done.days_folded} days folded"
        + (f", written to {out}" if out else "")
    )


def _print_features() -> None:
    table = Table("name", "unit", "window", "description", title="Profile features")
    for row in describe_features():
        table.add_row(row["name"], row["unit"], row["window"], row["description"])
    console.print(table)
