"""Lift with intervals: a dot and a line for each group, against zero."""

from collections.abc import Sequence

import altair as alt

from mia.api.dashboard.charts.brush import Brush
from mia.api.dashboard.charts.rows import LiftRow, lift_height
from mia.api.dashboard.words import percent_text


def draw_lift(rows: Sequence[LiftRow], brush: Brush) -> str:
    """One row a group, in the order given; a dot is hollow where zero lies in the interval."""
    colours, texts = brush.colours, brush.texts
    paints = {"better": colours.lines[2], "worse": colours.lines[1], "open": colours.text}
    values = [
        {
            "group": row.name,
            "lift": row.lift,
            "low": row.low,
            "high": row.high,
            "verdict": row.verdict,
            "text": percent_text(row.lift, brush.language),
        }
        for row in rows
    ]
    y = alt.Y(
        "group:N",
        sort=[row.name for row in rows],
        title=None,
        axis=alt.Axis(domain=False, ticks=False, grid=True, labelPadding=10, labelLimit=190 if brush.is_wide else 120),
    )
    colour = alt.Color("verdict:N", scale=alt.Scale(domain=list(paints), range=list(paints.values())), legend=None)
    base = alt.Chart(alt.InlineData(values=values)).encode(y=y, color=colour)
    axis = alt.Axis(
        labelExpr="datum.value ? format(datum.value, '+,.0f') : '0'",
        tickCount=7 if brush.is_wide else 4,
        domain=False,
        ticks=False,
        grid=True,
    )
    x = alt.X("low:Q", title=texts["lift_axis"], scale=alt.Scale(zero=True, nice=True), axis=axis)
    intervals = base.mark_rule(strokeWidth=4, strokeCap="round", opacity=0.55).encode(x=x, x2="high:Q")
    dots = base.mark_point(size=110, strokeWidth=2.5, opacity=1).encode(
        x="lift:Q", fill=alt.condition("datum.verdict == 'open'", alt.value(colours.ground), colour)
    )
    numbers = base.mark_text(dy=-13, fontSize=12, fontWeight="bold").encode(x="lift:Q", text="text:N")
    # Under the numbers, so that the line at zero does not cross their signs.
    halo = numbers.mark_text(dy=-13, fontSize=12, fontWeight="bold", stroke=colours.ground, strokeWidth=5)
    zero = (
        alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        .mark_rule(color=colours.text, strokeWidth=1.5)
        .encode(x="zero:Q")
    )
    return brush.finish(alt.layer(zero, intervals, dots, halo, numbers), lift_height(rows))
