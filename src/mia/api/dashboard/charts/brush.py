"""What all charts share: colours, language and size."""

from dataclasses import dataclass
from typing import Any, Literal

from mia.api.dashboard.words import NUMBER_FORMAT, TEXTS, Texts
from mia.domain.offer import Language
from mia.drawing import THEMES, Colours, Theme, dress, render

Width = Literal["wide", "narrow"]
LARGEST = 8
"""A chart gives a line or a colour of their own to this many groups."""
SIZES: dict[Width, int] = {"wide": 960, "narrow": 380}
"""Outer width of a chart in pixels."""
HEIGHT = 400
"""Outer height of a chart over months in pixels."""


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
            autosize={"type": "fit", "contains": "padding"},
        )
        return render(dress(sized, self.colours), NUMBER_FORMAT[self.language])
