"""What all charts share: colours, language, size, and the axis of months."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt

from mia.api.dashboard.marks import Mark
from mia.api.dashboard.words import NUMBER_FORMAT, TEXTS, Texts, month_short
from mia.domain.offer import Language
from mia.drawing import THEMES, Colours, Theme, dress, render
from mia.timeline import month_number

Width = Literal["wide", "narrow"]
LARGEST = 8
"""A chart gives a line or a colour of their own to this many groups."""
SIZES: dict[Width, int] = {"wide": 960, "narrow": 380}
"""Outer width of a chart in pixels."""
HEIGHT = 400
"""Outer height of a chart over months in pixels."""
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
class Brush:
    """How a chart is drawn; `solid` gives it a ground of its own, for files that are kept."""

    language: Language
    theme: Theme = "light"
    width: Width = "wide"
    solid: bool = False

    @property
    def colours(self) -> Colours:
        """Its paints."""
        return THEMES[self.theme]

    @property
    def texts(self) -> Texts:
        """Its words."""
        return TEXTS[self.language]

    @property
    def is_wide(self) -> bool:
        """Whether there is room for names beside the plot."""
        return self.width == "wide"

    def finish(self, chart: Any, height: int = HEIGHT) -> str:  # noqa: ANN401 - any top-level chart of Altair
        """The chart as SVG text. Blocks for some tens of milliseconds: call it in a worker thread."""
        sized = chart.properties(
            width=SIZES[self.width],
            height=height,
            background=self.colours.ground if self.solid else "transparent",
            padding=16 if self.solid else 4,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        )
        return render(dress(sized, self.colours), NUMBER_FORMAT[self.language])


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
