"""The axis of months, and what is drawn on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from mia.api.dashboard.charts.brush import LARGEST, Brush, Width
from mia.api.dashboard.marks import Mark
from mia.api.dashboard.words import month_short
from mia.timeline import month_number

PLOTS: dict[Width, int] = {"wide": 640, "narrow": 280}
"""About how many pixels of the width are left for the months."""
LABELS: dict[Width, int] = {"wide": 12, "narrow": 6}
"""How many months can be named below a chart."""
STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
"""Months from one named month to the next; all divide the years, so that the same months are named in each."""


def named_months(months: Sequence[str], most: int) -> list[str]:
    """The months that are named below a chart, at most `most` of them and the same ones in every year.

    >>> named_months([f"2021-{month:02d}" for month in range(1, 13)], 6)
    ['2021-01', '2021-03', '2021-05', '2021-07', '2021-09', '2021-11']
    """
    step = next((step for step in STEPS if len(months) <= most * step), STEPS[-1])
    return [month for month in months if month_number(month) % step == 0]


@dataclass(frozen=True, slots=True)
class MonthAxis:
    """The axis of `months` and the colours of the groups `shown`."""

    brush: Brush
    months: Sequence[str]
    shown: Sequence[str]

    @property
    def short(self) -> list[str]:
        """The months as they are written."""
        return [month_short(month, self.brush.language) for month in self.months]

    def x(self) -> alt.X:
        """Months, of which only some are named below."""
        most = LABELS[self.brush.width]
        named = [month_short(month, self.brush.language) for month in named_months(self.months, most)]
        crowded = not self.brush.is_wide or len(named) > LARGEST
        axis = alt.Axis(values=named, labelAngle=-45 if crowded else 0, labelPadding=8, labelOverlap=False)
        return alt.X("month:N", sort=self.short, title=None, scale=alt.Scale(domain=self.short), axis=axis)

    @property
    def step(self) -> float:
        """About how many pixels a month has."""
        return PLOTS[self.brush.width] / max(len(self.months), 1)

    def colour(self, *, with_others: bool) -> alt.Color:
        """Paints of the groups, and of all the others together."""
        colours = self.brush.colours
        names = [*self.shown, self.brush.texts["others"]] if with_others else list(self.shown)
        paints = [*colours.lines[: len(self.shown)], colours.others][: len(names)]
        beside = self.brush.is_wide
        legend = alt.Legend(title=None, orient="right" if beside else "bottom", columns=1 if beside else 2)
        return alt.Color("group:N", sort=names, scale=alt.Scale(domain=names, range=paints), legend=legend)

    def marks(self, marks: Sequence[Mark]) -> list[alt.Chart]:
        """A line with a number above it for each mark; none, no layers."""
        if not marks:
            return []
        values = [{"month": month_short(mark.month, self.brush.language), "number": str(mark.number)} for mark in marks]
        base = alt.Chart(alt.InlineData(values=values)).encode(x=self.x())
        text = self.brush.colours.text
        line = base.mark_rule(color=text, strokeDash=[2, 3], opacity=0.6)
        ball = base.mark_point(shape="circle", size=260, filled=True, color=text, opacity=1).encode(y=alt.value(8))
        number = base.mark_text(color=self.brush.colours.ground, fontSize=11, fontWeight="bold").encode(
            y=alt.value(8.5), text="number:N"
        )
        return [line, ball, number]
