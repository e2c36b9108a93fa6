"""The funnel by channel: impressions, clicks and connections as bars, each beside its share of the impressions."""

from collections.abc import Sequence

import altair as alt

from mia.api.dashboard.charts.brush import Brush
from mia.api.dashboard.charts.rows import FUNNEL_STEPS, FunnelRow, funnel_height
from mia.api.dashboard.words import number_text, percent_text


def draw_funnel(rows: Sequence[FunnelRow], brush: Brush) -> str:
    """Three bars a channel, the largest channel first."""
    texts, colours = brush.texts, brush.colours
    names = [texts[step] for step in FUNNEL_STEPS]
    paints = [colours.others, colours.lines[4], colours.lines[0]]
    values = [
        {"channel": row.channel, "step": texts[step], "count": getattr(row, step), "text": _text(row, step, brush)}
        for row in rows
        for step in FUNNEL_STEPS
    ]
    largest = max([1, *(value["count"] for value in values)])
    room = 1.24 if brush.is_wide else 1.6
    base = alt.Chart(alt.InlineData(values=values)).encode(
        y=alt.Y(
            "channel:N",
            sort=[row.channel for row in rows],
            title=None,
            scale=alt.Scale(paddingInner=0.28, paddingOuter=0.1),
            axis=alt.Axis(domain=False, ticks=False, labelPadding=10, labelLimit=110),
        ),
        yOffset=alt.YOffset("step:N", sort=names),
        x=alt.X(
            "count:Q",
            title=None,
            scale=alt.Scale(domain=[0, room * largest], nice=False),
            axis=alt.Axis(format=",.0f", tickCount=5 if brush.is_wide else 3, domain=False, ticks=False),
        ),
    )
    legend = alt.Legend(title=None, orient="top", columns=3)
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        color=alt.Color("step:N", sort=names, scale=alt.Scale(domain=names, range=paints), legend=legend)
    )
    counts = base.mark_text(align="left", dx=6, fontSize=12, color=colours.text).encode(text="text:N")
    return brush.finish(alt.layer(bars, counts), funnel_height(rows))


def _text(row: FunnelRow, step: str, brush: Brush) -> str:
    count = number_text(getattr(row, step), brush.language)
    share = row.share(step) if step != FUNNEL_STEPS[0] else None
    return count if share is None else f"{count} · {percent_text(share, brush.language, signed=False)}"
