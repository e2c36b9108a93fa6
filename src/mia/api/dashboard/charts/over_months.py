"""The charts over months: the index as lines, connections as stacked bars."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from mia.api.dashboard.charts.brush import LARGEST, Brush
from mia.api.dashboard.charts.month_axis import MonthAxis
from mia.api.dashboard.marks import Mark
from mia.api.dashboard.series import Series
from mia.api.dashboard.words import month_short, number_text
from mia.domain.offer import Language

HEADROOM = 1.08
DIGIT = 8.5
"""Width of a bold digit in pixels."""


def draw_index(series: Series, marks: Sequence[Mark], brush: Brush) -> str:
    """The index of each group; hollow dots are months that are not complete."""
    axis = MonthAxis(brush, series.months, series.indexed[:LARGEST])
    rows = [row for row in _values(series, brush) if row["group"] in axis.shown and row["index"] is not None]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=axis.x(),
        y=alt.Y(
            "index:Q",
            title=brush.texts["index_axis"],
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(format=".2f", tickCount=6, domain=False, ticks=False),
        ),
        color=axis.colour(with_others=False),
    )
    one = (
        alt.Chart(alt.InlineData(values=[{"index": 1}]))
        .mark_rule(color=brush.colours.text, strokeDash=[3, 4], opacity=0.7)
        .encode(y="index:Q")
    )
    lines = base.mark_line(strokeWidth=2.5, strokeJoin="round")
    dots = base.mark_point(size=min(64, 3 * axis.step), opacity=1, strokeWidth=2).encode(
        fill=alt.condition("datum.complete", axis.colour(with_others=False), alt.value(brush.colours.ground))
    )
    return brush.finish(alt.layer(*axis.marks(marks), one, lines, dots))


def draw_connections(series: Series, marks: Sequence[Mark], brush: Brush) -> str:
    """Connections of each month, stacked by group; pale bars are months that are not complete."""
    axis = MonthAxis(brush, series.months, series.connected[:LARGEST])
    others = brush.texts["others"]
    names = [*axis.shown, others]
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    totals: dict[str, int] = dict.fromkeys(axis.short, 0)
    for row in (row for row in _values(series, brush) if row["connections"]):
        month, name = row["month"], row["group"] if row["group"] in axis.shown else others
        part = {
            "month": month,
            "group": name,
            "place": names.index(name),
            "connections": 0,
            "complete": row["complete"],
        }
        parts.setdefault((month, name), part)["connections"] += row["connections"]
        totals[month] += row["connections"]
    headroom = HEADROOM + 0.06 * bool(marks)
    y = alt.Y(
        "connections:Q",
        title=brush.texts["monthly_axis"],
        scale=alt.Scale(domain=[0, headroom * max([1, *totals.values()])], nice=True),
        axis=alt.Axis(format=",.0f", tickCount=6, domain=False, ticks=False),
    )
    bars = (
        alt.Chart(alt.InlineData(values=list(parts.values())))
        .mark_bar(size=min(46 if brush.is_wide else 26, 0.7 * axis.step))
        .encode(
            x=axis.x(),
            y=y,
            color=axis.colour(with_others=any(name == others for _, name in parts)),
            order=alt.Order("place:Q"),
            opacity=alt.condition("datum.complete", alt.value(1.0), alt.value(0.5)),
        )
    )
    # A sum that is wider than its bar's place would run into the next one.
    widest = max((len(number_text(count, Language.EN)) for count in totals.values()), default=0)
    layers = [*axis.marks(marks), bars]
    if DIGIT * widest <= axis.step:
        rows = [{"month": month, "connections": count} for month, count in totals.items()]
        layers.append(
            alt.Chart(alt.InlineData(values=rows))
            .mark_text(dy=-9, fontSize=13, fontWeight="bold", color=brush.colours.text)
            .encode(x=axis.x(), y=y, text=alt.Text("connections:Q", format=",.0f"))
        )
    return brush.finish(alt.layer(*layers))


def _values(series: Series, brush: Brush) -> list[dict[str, Any]]:
    wanted = ("group", "connections", "index", "complete")
    return [
        {name: row[name] for name in wanted} | {"month": month_short(row["month"], brush.language)}
        for row in series.rows
    ]
