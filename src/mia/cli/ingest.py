"""`mia ingest`: validate and load files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, workspace
from mia.intake.report import IngestReport


def ingest(
    source: Annotated[Path, typer.Argument(help="A CSV, parquet or catalogue file, or a folder of them.")],
    mapping: Annotated[Path | None, typer.Option(help="YAML that turns foreign files into canonical tables.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Table of the file, where neither its name nor its columns tell.")
    ] = None,
    pseudonymise: Annotated[
        bool,
        typer.Option(
            "--pseudonymise", help="Turn subscriber ids that are phone numbers into keyed hashes (MIA_PSEUDONYM_KEY)."
        ),
    ] = False,
    home: Home = None,
) -> None:
    """Validate and load records; rejected rows are counted by reason and kept in a file."""
    with workspace(home, make=True) as opened, progress_bar() as progress:
        report = opened.ingest(source, mapping=mapping, table=table, pseudonymise=pseudonymise, progress=progress)
    show_report(report)


def show_report(report: IngestReport) -> None:
    """Print what became of the rows of a load."""
    if report.tables:
        summary = Table("table", title=f"load {report.load}", title_justify="left")
        # Most loads amend nothing, and the screen is narrow.
        amending = any(item.corrected or item.withdrawn for item in report.tables)
        more = ("corrected", "withdrawn") if amending else ()
        for heading in ("files", "rows", "accepted", "duplicates", "rejected", *more):
            summary.add_column(heading, justify="right")
        for item in report.tables:
            counts = (item.files, item.rows, item.accepted, item.duplicates, item.rejected_rows)
            numbers = (*counts, item.corrected, item.withdrawn) if amending else counts
            summary.add_row(item.table, *(f"{number:,}" for number in numbers))
        Console().print(summary)
    if report.rejects is not None:
        reasons = Table("table", "column", "rule", title="rejected rows", title_justify="left")
        reasons.add_column("rows", justify="right")
        for item in report.tables:
            for rule in item.rejected:
                reasons.add_row(item.table, escape(rule.column or ""), escape(rule.rule), f"{rule.rows:,}")
        Console().print(reasons)
        Console().print(f"rejected rows with their reasons: {escape(str(report.rejects))}", soft_wrap=True)
    if report.catalogue is not None:
        Console().print(f"current catalogue: {report.catalogue}")
    for label, names in (("already loaded", report.already_loaded), ("not read", report.ignored)):
        if names:
            Console().print(f"{label}: {escape(', '.join(names))}", soft_wrap=True)
