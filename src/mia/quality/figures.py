"""Plots of the report as SVG texts whose colours are CSS variables, for one drawing to serve light and dark pages."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal

import altair as alt
import numpy as np

from mia.drawing import by_variables, dress, render
from mia.frames import Floats
from mia.quality.grid import PASSIVE_KINDS
from mia.quality.report import Report
from mia.quality.scans import DELAYS, SILENCES
from mia.tables import LOCAL_DAY, REGION
from mia.timeline import date_of

Width = Literal["wide", "narrow"]
_COLOURS = by_variables()
OUTER: dict[Width, int] = {"wide": 960, "narrow": 400}
"""Width of a drawing in pixels."""
_DAYS: dict[Width, int] = {"wide": 366, "narrow": 92}
_MOST_KINDS, _MOST_REGIONS = 8, 40

_CLASSES = ("none", "below 50 %", "50 to 80 %", "80 to 120 %", "above 120 %")
_CLASS_ENDS = (0.0, 0.5, 0.8, 1.2)
# What is usual stays in the background.
_CLASS_PAINTS = (*(_COLOURS.lines[place] for place in (7, 1, 5)), _COLOURS.others, _COLOURS.lines[4])


@dataclass(frozen=True, slots=True)
class Figure:
    """One plot: what it shows, in words for who cannot see it, and the drawings by width; none where all is zero."""

    title: str
    caption: str
    drawings: dict[Width, str]


def draw_figures(report: Report) -> list[Figure]:
    """All plots of a report. Blocks for about a second."""
    return [draw(report) for draw in (_draw_volumes, _draw_completeness, _draw_silence, _draw_lateness)]


def _draw_volumes(report: Report) -> Figure:
    level, days = report.facts.grid.by_kind, report.facts.grid.days
    order = np.argsort(-level.records.sum(axis=(0, 2)), kind="stable")[:_MOST_KINDS].tolist()

    def draw(width: Width) -> Any:  # noqa: ANN401 - a chart
        panels = []
        for place in order:
            kind = level.kinds[place]
            rows = [
                {"day": _iso(day), "records": int(level.records[at, place, 0]), "usual": _known(usual)}
                for at, (day, usual) in enumerate(zip(days, level.usual[:, place, 0], strict=True))
            ][-_DAYS[width] :]
            base = alt.Chart(alt.InlineData(values=rows), title=alt.TitleParams(kind, anchor="start", fontSize=13))
            last = place == order[-1]
            x = _day_axis(width, labels=last)
            y = alt.Y(
                "records:Q",
                title=None,
                axis=alt.Axis(tickCount=3, format="~s", minExtent=44, domain=False, ticks=False),
            )
            line = base.mark_line(color=_COLOURS.lines[0], strokeWidth=1.6).encode(x=x, y=y)
            layers = [line]
            if kind not in PASSIVE_KINDS:
                faint = base.mark_line(color=_COLOURS.others, strokeWidth=1.2, strokeDash=[4, 3])
                layers.insert(0, faint.encode(x=x, y=alt.Y("usual:Q")))
            panels.append(alt.layer(*layers).properties(width=OUTER[width] - 64, height=84))
        return alt.vconcat(*panels, spacing=14)

    return Figure(
        "Records a day by kind",
        "Each kind on its own scale; dashed: the median of the same weekday in the weeks before.",
        both_widths(draw),
    )


def _draw_completeness(report: Report) -> Figure:
    level, days = report.facts.grid.by_region, report.facts.grid.days
    known = ~np.isnan(level.usual[:, 0])
    typical = np.nan_to_num(level.usual[:, 0]).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    shares = np.where(typical >= report.limits.minimum_records, level.completeness[:, 0], np.nan)
    lowest = np.nanmin(shares, axis=0, initial=np.inf)
    order = np.argsort(lowest, kind="stable")[:_MOST_REGIONS]
    names = [level.regions[place] for place in order if np.isfinite(lowest[place])]
    few = len(level.regions) - len(names)

    def draw(width: Width) -> Any:  # noqa: ANN401
        seen = shares[-_DAYS[width] :]
        rows = [
            {REGION: level.regions[place], "share": _CLASSES[part], "from": _iso(first), "to": _iso(last)}
            for place in order
            for part, first, last in _runs(seen[:, place], days[-len(seen) :])
        ]
        return (
            alt.Chart(alt.InlineData(values=rows))
            .mark_rect()
            .encode(
                x=_day_axis(width, "from:T"),
                x2="to:T",
                y=alt.Y("region:N", title=None, sort=names, axis=alt.Axis(domain=False, ticks=False, labelLimit=130)),
                color=alt.Color(
                    "share:N",
                    sort=list(_CLASSES),
                    scale=alt.Scale(domain=list(_CLASSES), range=list(_CLASS_PAINTS)),
                    legend=alt.Legend(title=None, orient="top", columns=5 if width == "wide" else 3),
                ),
            )
            .properties(width=OUTER[width] - 140, height=max(22 * len(names), 22))
        )

    note = f" {few} too small to be judged, or beyond the {_MOST_REGIONS} worst, are left out." if few else ""
    return Figure(
        "Completeness by region and day",
        "Records as a share of the median of the same weekday in the weeks before, worst region first; blank: nothing "
        f"to compare with.{note}",
        both_widths(draw) if names else {},
    )


def _draw_silence(report: Report) -> Figure:
    rows = [
        {REGION: row[REGION], "window": f"{days} days", "share": row[f"silent_{days}_days"]}
        for row in report.regions
        for days in SILENCES
        if row[f"silent_{days}_days"] is not None and report.facts.as_of - report.facts.first_day >= days
    ]
    worst = {row[REGION]: row["share"] for row in reversed(rows)}
    names = sorted(worst, key=lambda region: (-worst[region], region))[:_MOST_REGIONS]
    windows = [f"{days} days" for days in SILENCES]

    def draw(width: Width) -> Any:  # noqa: ANN401
        return (
            alt.Chart(alt.InlineData(values=[row for row in rows if row[REGION] in names]))
            .mark_bar()
            .encode(
                x=alt.X("share:Q", title=None, axis=alt.Axis(format="~%", tickCount=5, domain=False, ticks=False)),
                y=alt.Y("region:N", title=None, sort=names, axis=alt.Axis(domain=False, ticks=False, labelLimit=130)),
                yOffset=alt.YOffset("window:N", sort=windows),
                color=alt.Color(
                    "window:N",
                    scale=alt.Scale(domain=windows, range=[_COLOURS.lines[0], _COLOURS.lines[1]]),
                    legend=alt.Legend(title=None, orient="top"),
                ),
            )
            .properties(width=OUTER[width] - 140, height=max(26 * len(names), 26))
        )

    return Figure(
        "Subscribers without usage by region",
        "Share of the subscribers who had begun before the window and used nothing within it; fees and top-ups are no "
        "usage.",
        both_widths(draw) if rows else {},
    )


def _draw_lateness(report: Report) -> Figure:
    columns = [f"delayed_{days}" for days in DELAYS]
    sums = report.facts.cells.group_by([LOCAL_DAY]).aggregate([(name, "sum") for name in ("arrived", *columns)])
    names = [f"{low} to {high - 1} days" if high - low > 1 else f"{low} day" for low, high in pairwise(DELAYS)]
    names.append(f"{DELAYS[-1]} days or more")
    rows: list[dict[str, Any]] = []
    for row in sums.to_pylist():
        counts = [row[f"{column}_sum"] for column in columns]
        # The latest lie lowest: what came N days late or more is the sum of all from there on.
        ends = [count / max(row["arrived_sum"], 1) for count in (*counts, 0)]
        for name, (high, low) in zip(names, pairwise(ends), strict=True):
            if high > low:
                rows.append({"day": row[LOCAL_DAY], "delay": name, "high": high, "low": low})

    def draw(width: Width) -> Any:  # noqa: ANN401
        days = report.facts.grid.days[-_DAYS[width] :]
        seen = [row | {"day": _iso(row["day"]), "next": _iso(row["day"] + 1)} for row in rows if row["day"] >= days[0]]
        return (
            alt.Chart(alt.InlineData(values=seen))
            .mark_rect()
            .encode(
                x=_day_axis(width, "day:T", domain=[_iso(days[0]), _iso(days[-1] + 1)]),
                x2="next:T",
                y=alt.Y(
                    "high:Q",
                    title=None,
                    scale=alt.Scale(zero=True),
                    axis=alt.Axis(format="~%", tickCount=5, domain=False, ticks=False),
                ),
                y2="low:Q",
                color=alt.Color(
                    "delay:N",
                    sort=names,
                    scale=alt.Scale(domain=names, range=[_COLOURS.lines[place] for place in (4, 5, 1, 7)]),
                    legend=alt.Legend(title=None, orient="top", columns=4 if width == "wide" else 2),
                ),
            )
            .properties(width=OUTER[width] - 64, height=220)
        )

    return Figure(
        "Late records by day",
        "Share of the records of a day that arrived days after it.",
        both_widths(draw) if rows else {},
    )


def both_widths(draw: Callable[[Width], Any]) -> dict[Width, str]:
    """A plot drawn for wide and for narrow screens."""
    drawings: dict[Width, str] = {}
    for width in OUTER:
        chart = draw(width).properties(background="transparent", padding=4)
        drawings[width] = render(dress(chart, _COLOURS))
    return drawings


def _day_axis(width: Width, column: str = "day:T", *, labels: bool = True, domain: list[str] | None = None) -> alt.X:
    axis = alt.Axis(
        format="%d %b %Y", labels=labels, labelOverlap=True, tickCount=8 if width == "wide" else 3, grid=False
    )
    scale = alt.Scale(type="utc", domain=domain) if domain else alt.Scale(type="utc")
    return alt.X(column, title=None, scale=scale, axis=axis)


def _runs(shares: Floats, days: Any) -> list[tuple[int, int, int]]:  # noqa: ANN401 - an array of day numbers
    """Days of equal class put together: (class, first day, the day after the last one)."""
    classes = np.where(np.isnan(shares), -1, np.searchsorted(_CLASS_ENDS, np.nan_to_num(shares), side="left"))
    runs = []
    for part, group in groupby(range(len(classes)), key=lambda place: int(classes[place])):
        places = list(group)
        if part >= 0:
            runs.append((part, int(days[places[0]]), int(days[places[-1]]) + 1))
    return runs


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _iso(day: int) -> str:
    return date_of(int(day)).isoformat()
