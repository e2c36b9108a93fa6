"""`mia validate`: what is wrong with the lake or with a catalogue, if anything."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mia.bootstrap import check_catalogue_file
from mia.cli.checks import Format, is_failed, require_page, show_report
from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, parse_day, workspace
from mia.quality.catalogue.page import render_catalogue
from mia.quality.page import render_page
from mia.settings import load_settings
from mia.storage.files import replace_durably
from mia.timeline import date_of

_HEADINGS = {
    "newest_usage": "newest",
    "newest_arrival": "arrived",
    "completeness": "30 days",
    "silent_30_days": "silent 30",
    "silent_90_days": "silent 90",
    "reach_share": "share",
}


def validate(
    as_of: Annotated[
        str | None,
        typer.Option(help="Judge the days before this one, or a catalogue on it, YYYY-MM-DD. Default: today."),
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="Check this catalogue instead of the lake, before it is loaded.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    html: Annotated[Path | None, typer.Option(help="Also write one self-contained page to this .html file.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Count a WARN as a FAIL.")] = False,
    home: Home = None,
) -> None:
    """Check the lake (freshness, completeness, drops, silence, duplicates, lateness, values), or a catalogue (texts,
    contradictions, links, dates, prices, reach, offers that always lose).

    Exit code 0 when every check is PASS, WARN or SKIP (nothing to judge). When one is FAIL (with --strict also when one
    is WARN) it is 1 for the lake and 2 for a catalogue, which should not be loaded so. 2 also when there is nothing to
    check. Limits lie in the settings, sections [validate] and [catalogue].
    """
    day = None if as_of is None else parse_day(as_of, "--as-of")
    if html is not None:
        require_page(html)
    if catalogue is not None:
        _validate_catalogue(catalogue, day, form, html, strict=strict, home=home)
        return
    with workspace(home) as opened, progress_bar() as progress:
        report = opened.validate(day, progress=progress)
    if html is not None:
        replace_durably(html, render_page(report).encode())
    show_report(
        report,
        form,
        f"lake as of {date_of(report.facts.as_of)}: {report.summary}",
        lambda: [("Kinds", report.kinds), ("Regions", report.regions)],
        _HEADINGS,
    )
    if is_failed(report, strict=strict):
        raise typer.Exit(1)


def _validate_catalogue(
    path: Path, day: int | None, form: Format, html: Path | None, *, strict: bool, home: Path | None
) -> None:
    with progress_bar() as progress:
        report = check_catalogue_file(load_settings(home), path, day, progress=progress)
    if html is not None:
        replace_durably(html, render_catalogue(report).encode())
    show_report(
        report,
        form,
        f"catalogue {path.name}: {report.summary}",
        lambda: [("Offers", _narrow(report.offers))],
        _HEADINGS,
    )
    if is_failed(report, strict=strict):
        raise typer.Exit(2)


def _narrow(offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The offers without what only fits on a page."""
    return [{name: value for name, value in row.items() if name != "category"} for row in offers]
