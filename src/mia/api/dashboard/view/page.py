"""What the dashboard page shows, worked out from what was found: plain values ready for the template."""

from collections.abc import Sequence
from dataclasses import dataclass

from mia.api.dashboard.choice import COLUMNS, TEXT_COLUMNS, Choice
from mia.api.dashboard.offers import OfferRow
from mia.api.dashboard.view.chart import ChartView
from mia.api.dashboard.view.filters import Filters
from mia.api.dashboard.view.headline import CausedView, HeadlineView
from mia.api.dashboard.view.health import Fact
from mia.api.dashboard.words import number_text, percent_text

SPARK_WIDTH, SPARK_HEIGHT = 96, 24


@dataclass(frozen=True, slots=True)
class OfferView:
    """One offer; `spark` are the points of its line of connections by month."""

    name: str
    category: str
    cells: tuple[str, ...]
    falling: bool
    spark: str


@dataclass(frozen=True, slots=True)
class SortColumn:
    """The heading of a column of offers: where it leads, and how the table is sorted by it now."""

    name: str
    query: str
    sorted: str


@dataclass(frozen=True, slots=True)
class View:
    """The page."""

    choice: Choice
    filters: Filters
    region: str
    headline: HeadlineView | None
    caused: CausedView
    note: str
    charts: tuple[ChartView, ...]
    columns: tuple[SortColumn, ...]
    offers: tuple[OfferView, ...]
    facts: tuple[Fact, ...]
    pending: bool


def offer_views(rows: Sequence[OfferRow], choice: Choice) -> tuple[OfferView, ...]:
    """The rows as text."""
    language = choice.language
    return tuple(
        OfferView(
            row.name,
            row.category,
            (
                number_text(row.reach, language),
                number_text(row.clicks, language),
                number_text(row.connections, language),
                percent_text(row.acceptance, language, signed=False),
                percent_text(row.trend, language),
            ),
            row.trend is not None and row.trend < 0,
            spark_points(row.months),
        )
        for row in rows
    )


def sort_columns(choice: Choice) -> tuple[SortColumn, ...]:
    """Headings; a second click turns the order round."""
    found = []
    for name in COLUMNS:
        first, second = (name, f"-{name}") if name in TEXT_COLUMNS else (f"-{name}", name)
        held = choice.sort.removeprefix("-") == name
        state = ("descending" if choice.sort.startswith("-") else "ascending") if held else ""
        found.append(SortColumn(name, choice.changed(sort=second if choice.sort == first else first), state))
    return tuple(found)


def spark_points(counts: Sequence[int]) -> str:
    """Points of a line through the counts.

    >>> spark_points([0, 5, 10])
    '2,22 48,12 94,2'
    """
    top, last = max([1, *counts]), max(len(counts) - 1, 1)
    wide, high = SPARK_WIDTH - 4, SPARK_HEIGHT - 4
    return " ".join(
        f"{2 + wide * place / last:.4g},{SPARK_HEIGHT - 2 - high * count / top:.4g}"
        for place, count in enumerate(counts)
    )
