"""How every chart of MIA looks, and how it becomes SVG without any other host."""

import re
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import altair as alt

Theme = Literal["light", "dark"]
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


@dataclass(frozen=True, slots=True)
class Colours:
    """The paints of a chart as CSS colours: ground, text, faint lines, what is not named, and series in order."""

    ground: str
    text: str
    faint: str
    others: str
    lines: tuple[str, ...]

    def variables(self, prefix: str = "chart") -> dict[str, str]:
        """CSS variables with these paints, in the names that `by_variables` refers to."""
        plain = {"ground": self.ground, "text": self.text, "faint": self.faint, "others": self.others}
        lines = {f"line-{place}": paint for place, paint in enumerate(self.lines)}
        return {f"--{prefix}-{name}": paint for name, paint in (plain | lines).items()}


THEMES: dict[Theme, Colours] = {
    "light": Colours(
        ground="#ffffff",
        text="#3b4453",
        faint="#e3e7ee",
        others="#b4bcc9",
        lines=("#5b3df5", "#e0662b", "#0b8f7e", "#c2298a", "#2277cc", "#9a7b00", "#6b7688", "#b3261e"),
    ),
    "dark": Colours(
        ground="#161b26",
        text="#c4ccda",
        faint="#2a3242",
        others="#566074",
        lines=("#a594ff", "#ff9a62", "#3fd0bb", "#f27cc4", "#6cb4ff", "#e0c04a", "#9aa6ba", "#ff8a80"),
    ),
}


def by_variables(prefix: str = "chart") -> Colours:
    """Paints that a page fills in: one drawing inlined in HTML serves the light and the dark theme.

    >>> by_variables().text
    'var(--chart-text)'
    """
    ground, text, faint, others, *lines = (f"var({name})" for name in THEMES["light"].variables(prefix))
    return Colours(ground, text, faint, others, tuple(lines))


def paint(svg: str, colours: Colours, prefix: str = "chart") -> str:
    """A drawing made `by_variables` with its paints filled in, for where no page is around it.

    >>> paint('<path stroke="var(--chart-text)"/>', THEMES["light"])
    '<path stroke="#3b4453"/>'
    """
    paints = colours.variables(prefix)
    return re.sub(r"var\((--[\w-]+)\)", lambda found: paints.get(found[1], found[0]), svg)


def dress(chart: Any, colours: Colours) -> Any:  # noqa: ANN401 - any top-level chart of Altair
    """A chart in the style of MIA."""
    return (
        chart.configure(font=FONT, background=colours.ground)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=colours.text,
            titleColor=colours.text,
            gridColor=colours.faint,
            domainColor=colours.faint,
            tickColor=colours.faint,
            labelFontSize=13,
            titleFontSize=13,
            titleFontWeight="normal",
            titlePadding=12,
        )
        .configure_legend(labelColor=colours.text, labelFontSize=13, labelLimit=220, symbolSize=110, rowPadding=5)
    )


def render(chart: "alt.TopLevelMixin", numbers: dict[str, Any] | None = None) -> str:
    """A chart as SVG text, numbers written in a Vega number format (English by default). Blocks for tens of ms."""
    return str(_converter().vegalite_to_svg(chart.to_dict(), allowed_base_urls=[], format_locale=numbers))


def rasterise(svg: str) -> bytes:
    """A drawing as PNG, two dots for each of its pixels. Blocks for tens of ms."""
    return bytes(_converter().svg_to_png(svg, scale=2))


@cache
def _converter() -> ModuleType:
    # It holds a JavaScript engine, and pages in style ask for no more than paints.
    import vl_convert

    return vl_convert
