"""`mia lift`: what arm `mia` connects beyond arm `control`; and what an experiment could find."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pyarrow import csv
from rich.markup import escape

from mia.cli.console import new_table, print_table
from mia.cli.uptake import Format
from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput
from mia.storage.files import write_table
from mia.timeline import date_of
from mia.uptake.growth import UNKNOWN
from mia.uptake.lift.effect import Effect, Interval
from mia.uptake.lift.plan import Plan
from mia.uptake.lift.result import NOTES, GroupLift, LiftReport


def lift(
    by: Annotated[str | None, typer.Option(help="region, macro_region, category or channel; else only in all.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day or month; else MIA's first decision.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day or month; else that of the newest event.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Month that the index counts from; else all before.")] = None,
    aa: Annotated[
        int | None, typer.Option("--aa", help="A/A: draw arms anew by this seed; there is no effect to find.", min=0)
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Plan an experiment instead: power, lift, days.")] = False,
    relative: Annotated[float, typer.Option("--lift", help="Of a plan: the relative lift to find.")] = 0.1,
    days: Annotated[int, typer.Option(help="Of a plan: how many days it runs.")] = 90,
    power: Annotated[float, typer.Option(help="Of a plan: the chance to find it that is asked for.")] = 0.8,
    share: Annotated[float | None, typer.Option(help="Of a plan: share of control; else that of the settings.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this .csv or .parquet file instead of printing.")] = None,
    home: Home = None,
) -> None:
    """What MIA caused: connections and value per subscriber of arm mia against control, with intervals."""
    if form is Format.PARQUET and out is None:
        raise InvalidInput("parquet is written to a file; name it with --out", option="--format")
    with workspace(home) as opened:
        if plan:
            if form in (Format.CSV, Format.PARQUET) or out is not None:
                raise InvalidInput("a plan is printed as table or json", option="--format")
            planned = opened.lift.plan(lift=relative, days=days, power=power, share=share)
            _print_json(planned.to_json()) if form is Format.JSON else _print_plan(planned)
            return
        report = opened.lift.report(by, start, end, baseline, aa)
    if out is not None:
        write_table(report.table(), out)
    elif form is Format.JSON:
        _print_json(report.to_json())
    elif form is Format.CSV:
        csv.write_csv(report.table(), sys.stdout.buffer)
    else:
        _print_table(report)


def _print_table(report: LiftReport) -> None:
    span = f"{date_of(report.start)} to {date_of(report.end)}"
    drawn = f"A/A, seed {report.aa}, " if report.aa is not None else ""
    _print_sides(f"{drawn}{span}, control share {report.share:g}", report)
    for title, name in (("connections per subscriber", "connections"), ("value per subscriber", "value")):
        shown = new_table("group", "control", "mia", "lift", "lift %", "at every look", "p", title=title, numbers=6)
        for group in (report.total, *report.groups):
            effect: Effect = getattr(group, name)
            shown.add_row(
                _name(group),
                f"{effect.control:.4f}",
                f"{effect.mia:.4f}",
                f"{effect.difference:+.4f}",
                _percent(effect.relative),
                _ends(effect.anytime_relative_interval, "{:+.1%}"),
                "-" if effect.anytime_p_value is None else f"{effect.anytime_p_value:.4f}",
            )
        print_table(shown)
    shown = new_table(
        "group", "pooled lift", "at one look", "caused", "at every look", "index", title="caused by MIA", numbers=5
    )
    for group in (report.total, *report.groups):
        pooled, caused = group.pooled, group.incremental
        shown.add_row(
            _name(group),
            "-" if pooled is None else f"{pooled.difference:+.4f}",
            "-" if pooled is None else _ends(pooled.interval, "{:+.4f}"),
            f"{caused.connections:+,.0f}",
            _ends(caused.anytime_interval, "{:+,.0f}"),
            "-" if caused.index is None else f"{caused.index:.3f}",
        )
    print_table(shown)
    removed = report.total.connections.variance_removed
    typer.echo(f"variance removed by the days before: {removed:.0%}; p and intervals hold however often one looks")
    for note in report.notes:
        typer.echo(f"note: {NOTES[note]}")


def _print_sides(title: str, report: LiftReport) -> None:
    headings = ("group", "control", "mia", "shown\ncontrol", "shown\nmia", "connec-\ntions", "sizes p", "shown p")
    shown = new_table(*headings, title=title, numbers=7)
    for group in (report.total, *report.groups):
        control, mia = group.arms["control"], group.arms["mia"]
        counts = (control.subscribers, mia.subscribers, control.reached, mia.reached)
        shown.add_row(
            _name(group),
            *(f"{count:,}" for count in counts),
            f"{control.connections + mia.connections:,}",
            f"{group.assigned.p_value:.3f}",
            f"{group.reached.p_value:.3f}",
        )
    print_table(shown)


def _print_plan(plan: Plan) -> None:
    shown = new_table("", "one look at the end", "read daily", numbers=2)
    rows: Sequence[tuple[str, Any, Any]] = (
        (
            f"chance to find a lift of {plan.lift:.1%} in {plan.days} days",
            f"{plan.power_once:.1%}",
            f"{plan.power_daily:.1%}",
        ),
        (
            f"smallest lift found with {plan.wanted_power:.0%}",
            _percent(plan.smallest_lift_once),
            _percent(plan.smallest_lift_daily),
        ),
        (
            f"days until {plan.lift:.1%} is found with {plan.wanted_power:.0%}",
            plan.days_needed_once or "over a year",
            plan.days_needed_daily or "over a year",
        ),
    )
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    print_table(shown)
    typer.echo(
        f"{plan.control:,} subscribers in control, {plan.mia:,} in mia; {plan.connections_per_month:.3f} connections "
        f"a subscriber in 30 days, rates spread by {plan.spread:.2f}, {plan.pre_days} days before are known"
    )


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def _name(group: GroupLift) -> str:
    return escape(group.group if group.group is not None else UNKNOWN) + ("*" if group.small_base else "")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"


def _ends(interval: Interval, form: str) -> str:
    if interval.low is None or interval.high is None:
        return "-"
    return f"{form.format(interval.low)} .. {form.format(interval.high)}"
