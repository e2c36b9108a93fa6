"""`mia ingest`: validate and load files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mia.bootstrap import open_workspace
from mia.cli.progress import progress_bar
from mia.intake.report import IngestReport
from mia.services.ingest import ingest as ingest_source
from mia.settings import load_settings


def ingest(
    source: Annotated[Path, typer.Argument(help="A CSV, parquet or catalogue file, or a folder of them.")],
    mapping: Annotated[Path | None, typer.Option(help="YAML that turns foreign files into canonical tables.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Table of the file, where neither its name nor its columns tell.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Workspace folder; else MIA_HOME.", file_okay=False)] = None,
) -> None:
    """Validate and load records; rejected rows are counted by reason and kept in a file."""
    workspace = open_workspace(load_settings(home))
    try:
        with progress_bar() as progress:
            report = ingest_source(
                source,
                lake=workspace.lake,
                ledger=workspace.ledger,
                rejects=workspace.rejects,
                connect=workspace.engine.connect,
                now=workspace.clock(),
                terms=workspace.terms,
                mapping=mapping,
                table=table,
                progress=progress,
            )
    finally:
        workspace.close()
    show_report(report, Console())


def show_report(report: IngestReport, console: Console) -> None:
    """Print what became of the rows of a load."""
    if report.tables:
        summary = Table("table", title=f"load {report.load}", title_justify="left")
        for heading in ("files", "rows", "accepted", "duplicates", "rejected"):
            summary.add_column(heading, justify="right")
        for item in report.tables:
            counts = (item.files, item.rows, item.accepted, item.duplicates, item.rejected_rows)
            summary.add_row(item.table, *(f"{number:,}" for number in counts))
        console.print(summary)
    if report.rejects is not None:
        reasons = Table("table", "column", "rule", title="rejected rows", title_justify="left")
        reasons.add_column("rows", justify="right")
        for item in report.tables:
            for rule in item.rejected:
                reasons.add_row(item.table, escape(rule.column or ""), escape(rule.rule), f"{rule.rows:,}")
        console.print(reasons)
        console.print(f"rejected rows with their reasons: {escape(str(report.rejects))}", soft_wrap=True)
    if report.catalogue is not None:
        console.print(f"current catalogue: {report.catalogue}")
    for label, names in (("already loaded", report.already_loaded), ("not read", report.ignored)):
        if names:
            console.print(f"{label}: {escape(', '.join(names))}", soft_wrap=True)
