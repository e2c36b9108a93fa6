"""Charts of the dashboard as SVG, made here without any other host."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import altair as alt

from mia.api.dashboard.words import NUMBER_FORMAT, TEXTS, month_short, number_text
from mia.domain.offer import Language
from mia.drawing import THEMES, Colours, Theme, dress, render
from mia.timeline import month_number

Width = Literal["wide", "narrow"]
_Layered = alt.LayerChart | alt.FacetChart
LARGEST = 8
HEADROOM = 1.08
SIZES: dict[Width, tuple[int, int]] = {"wide": (960, 400), "narrow": (380, 400)}
"""Outer width and height of a chart in pixels."""
PLOTS: dict[Width, int] = {"wide": 640, "narrow": 280}
"""About how many pixels of the width are left for the months."""
LABELS: dict[Width, int] = {"wide": 12, "narrow": 6}
"""How many months can be named below a chart."""
STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
"""Months from one named month to the next; all divide the years, so that the same months are named in each."""
DIGIT = 8.5
"""Width of a bold digit in pixels."""


class ChartKind(StrEnum):
    """The charts there are, by the name in their address."""

    INDEX = "index"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True)
class Series:
    """What a chart draws: rows `{month, group, connections, index, complete}` by month, groups named for readers.

    `groups` are in order of size. A chart gives a line or a colour of their own to the `LARGEST` that have something
    to draw.
    """

    rows: Sequence[dict[str, Any]]
    groups: Sequence[str]

    @property
    def indexed(self) -> list[str]:
        """Groups with an index: those with a connection by the end of the baseline month."""
        found = {row["group"] for row in self.rows if row["index"] is not None}
        return [group for group in self.groups if group in found]

    @property
    def connected(self) -> list[str]:
        """Groups with a connection in the months shown."""
        found = {row["group"] for row in self.rows if row["connections"]}
        return [group for group in self.groups if group in found]

    def drawn(self, kind: ChartKind) -> list[str]:
        """Groups that a chart has something to draw of."""
        return self.indexed if kind is ChartKind.INDEX else self.connected


def draw_chart(kind: ChartKind, series: Series, language: Language, theme: Theme, width: Width) -> str:
    """A chart as SVG text. Blocks for some tens of milliseconds: call it in a worker thread."""
    colours, texts = THEMES[theme], TEXTS[language]
    months = list(dict.fromkeys(row["month"] for row in series.rows))
    axis = _Axis(
        colours,
        [month_short(month, language) for month in months],
        [month_short(month, language) for month in named_months(months, LABELS[width])],
        series.drawn(kind)[:LARGEST],
        texts["others"],
        width,
    )
    values = [row | {"month": month_short(row["month"], language)} for row in series.rows]
    chart = _DRAWINGS[kind](axis, values, texts)
    outer, height = SIZES[width]
    chart = chart.properties(width=outer, height=height, background="transparent", padding=4).properties(
        autosize=alt.AutoSizeParams(type="fit", contains="padding")
    )
    return render(dress(chart, colours), NUMBER_FORMAT[language])


def named_months(months: Sequence[str], most: int) -> list[str]:
    """The months that are named below a chart, at most `most` of them and the same ones in every year.

    >>> named_months([f"2021-{month:02d}" for month in range(1, 13)], 6)
    ['2021-01', '2021-03', '2021-05', '2021-07', '2021-09', '2021-11']
    """
    step = next((step for step in STEPS if len(months) <= most * step), STEPS[-1])
    return [month for month in months if month_number(month) % step == 0]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Encodings that both charts share; of the `months` only the `named` ones are written below."""

    colours: Colours
    months: list[str]
    named: list[str]
    shown: list[str]
    others: str
    width: Width

    def x(self) -> alt.X:
        crowded = self.width == "narrow" or len(self.named) > 8
        axis = alt.Axis(values=self.named, labelAngle=-45 if crowded else 0, labelPadding=8, labelOverlap=False)
        return alt.X("month:N", sort=self.months, title=None, scale=alt.Scale(domain=self.months), axis=axis)

    @property
    def step(self) -> float:
        """About how many pixels a month has."""
        return PLOTS[self.width] / max(len(self.months), 1)

    def colour(self, *, with_others: bool) -> alt.Color:
        names = [*self.shown, self.others] if with_others else self.shown
        paints = [*self.colours.lines[: len(self.shown)], self.colours.others][: len(names)]
        beside = self.width == "wide"
        legend = alt.Legend(title=None, orient="right" if beside else "bottom", columns=1 if beside else 2)
        return alt.Color("group:N", sort=names, scale=alt.Scale(domain=names, range=paints), legend=legend)


def _draw_index(axis: _Axis, values: list[dict[str, Any]], texts: Any) -> _Layered:  # noqa: ANN401
    rows = [row for row in values if row["group"] in axis.shown and row["index"] is not None]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=axis.x(),
        y=alt.Y(
            "index:Q",
            title=texts["index_axis"],
            scale=alt.Scale(zero=False, nice=True),
            axis=alt.Axis(format=".2f", tickCount=6, domain=False, ticks=False),
        ),
        color=axis.colour(with_others=False),
    )
    one = (
        alt.Chart(alt.InlineData(values=[{"index": 1}]))
        .mark_rule(color=axis.colours.text, strokeDash=[3, 4], opacity=0.7)
        .encode(y="index:Q")
    )
    lines = base.mark_line(strokeWidth=2.5, strokeJoin="round")
    dots = base.mark_point(size=min(64, 3 * axis.step), opacity=1, strokeWidth=2).encode(
        fill=alt.condition("datum.complete", axis.colour(with_others=False), alt.value(axis.colours.ground))
    )
    return alt.layer(one, lines, dots)


def _draw_connections(axis: _Axis, values: list[dict[str, Any]], texts: Any) -> _Layered:  # noqa: ANN401
    names = [*axis.shown, axis.others]
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    totals: dict[str, int] = dict.fromkeys(axis.months, 0)
    for row in (row for row in values if row["connections"]):
        month, name = row["month"], row["group"] if row["group"] in axis.shown else axis.others
        part = {
            "month": month,
            "group": name,
            "place": names.index(name),
            "connections": 0,
            "complete": row["complete"],
        }
        parts.setdefault((month, name), part)["connections"] += row["connections"]
        totals[month] += row["connections"]
    y = alt.Y(
        "connections:Q",
        title=texts["monthly_axis"],
        scale=alt.Scale(domain=[0, HEADROOM * max([1, *totals.values()])], nice=True),
        axis=alt.Axis(format=",.0f", tickCount=6, domain=False, ticks=False),
    )
    bars = (
        alt.Chart(alt.InlineData(values=list(parts.values())))
        .mark_bar(size=min(46 if axis.width == "wide" else 26, 0.7 * axis.step))
        .encode(
            x=axis.x(),
            y=y,
            color=axis.colour(with_others=any(name == axis.others for _, name in parts)),
            order=alt.Order("place:Q"),
            opacity=alt.condition("datum.complete", alt.value(1.0), alt.value(0.5)),
        )
    )
    # A sum that is wider than its bar's place would run into the next one.
    widest = max((len(number_text(count, Language.EN)) for count in totals.values()), default=0)
    if DIGIT * widest > axis.step:
        return alt.layer(bars)
    sums = (
        alt.Chart(alt.InlineData(values=[{"month": month, "connections": count} for month, count in totals.items()]))
        .mark_text(dy=-9, fontSize=13, fontWeight="bold", color=axis.colours.text)
        .encode(x=axis.x(), y=y, text=alt.Text("connections:Q", format=",.0f"))
    )
    return alt.layer(bars, sums)


_DRAWINGS: dict[ChartKind, Callable[[_Axis, list[dict[str, Any]], Any], _Layered]] = {
    ChartKind.INDEX: _draw_index,
    ChartKind.CONNECTIONS: _draw_connections,
}
