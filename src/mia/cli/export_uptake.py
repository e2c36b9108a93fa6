"""`mia export-uptake`: every table of uptake as a folder of files for other tools."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mia.cli.progress import progress_bar
from mia.cli.uptake import GrainName
from mia.cli.workspace import Home, workspace
from mia.services.report import GROUPINGS, UptakeExport
from mia.storage.export_folder import export_folder

WRITTEN_BY = "mia export-uptake"
LIFT_BY = ("region", "macro_region", "category", "channel")


class FileFormat(StrEnum):
    """Kinds of files."""

    PARQUET = "parquet"
    CSV = "csv"


def export_uptake(
    out: Annotated[Path, typer.Option(help="Folder for the files: a new or empty one, or that of an earlier export.")],
    baseline: Annotated[
        str | None, typer.Option(help="Month that growth is counted from; else 2021-01, or the first there is.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Only this grouping, one dimension or two as `region,arm`; may be repeated. Else all."),
    ] = None,
    grain: Annotated[GrainName, typer.Option(help="Length of a period.")] = GrainName.MONTH,
    form: Annotated[FileFormat, typer.Option("--format", help="Kind of files.")] = FileFormat.PARQUET,
    lift: Annotated[bool, typer.Option("--lift", help="Also lift, which reads every event of the ledger.")] = False,
    home: Home = None,
) -> None:
    """Write uptake in all and by every dimension, the facts behind it, and what was restated: one file each.

    The folder appears whole or not at all; an earlier export stays as it was until then.
    """
    with (
        workspace(home) as opened,
        export_folder(out, form.value, WRITTEN_BY) as folder,
        progress_bar() as progress,
        opened.uptake.still(progress),
    ):
        tables = UptakeExport(opened.uptake, baseline, grain.value, by or GROUPINGS)
        for name, table in tables.tables(progress):
            folder.write(name, table)
        folder.describe(tables.about())
        if lift:
            for done, dimension in enumerate(LIFT_BY):
                progress("lift", done, len(LIFT_BY))
                folder.write(f"lift_by_{dimension}", opened.lift.report(dimension).table())
            progress("lift", len(LIFT_BY), len(LIFT_BY))
    typer.echo(f"{folder.files} tables in {out}")
