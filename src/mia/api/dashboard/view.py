"""What the dashboard page shows, worked out from uptake: plain values ready for the template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mia.api.dashboard.charts import LARGEST, ChartKind, Series
from mia.api.dashboard.words import TEXTS, month_name, number_text
from mia.domain.offer import Language
from mia.uptake.headline import Headline

MEASURES = ("impressions", "clicks", "connections", "disconnections", "cumulative", "index", "growth")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked to see."""

    baseline: str
    by: str
    language: Language

    @property
    def query(self) -> str:
        """The choice as a query string."""
        return urlencode({"baseline": self.baseline, "by": self.by, "lang": self.language.value})


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a select box."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class HeadlineView:
    """Growth of one macro-region, as text."""

    growth: str
    index: str
    month: str
    baseline: str
    cumulative: str
    cumulative_then: str
    connections: str
    connections_then: str
    monthly_growth: str
    complete: bool


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart on the page; `summary` says in words what it shows."""

    title: str
    caption: str
    address: str
    summary: str
    drawn: bool


@dataclass(frozen=True, slots=True)
class TableRow:
    """One group in one month, as text."""

    group: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableMonth:
    """The rows of one month."""

    name: str
    complete: bool
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The page."""

    baseline: str
    by: str
    months: tuple[Month, ...]
    headline: HeadlineView | None
    charts: tuple[ChartView, ...]
    largest: str
    table: tuple[TableMonth, ...]
    caption: str
    csv: str


def build_view(choice: Choice, series: Series, months: Sequence[str], headline: Headline | None) -> View | None:
    """The page for one choice; None when there is nothing to show yet. `months` are all there are, oldest first."""
    if not series.rows:
        return None
    language, texts = choice.language, TEXTS[choice.language]
    by_text, baseline_text = texts[choice.by], month_name(choice.baseline, language)
    crowd = len(series.groups) > LARGEST
    return View(
        baseline=choice.baseline,
        by=choice.by,
        months=tuple(Month(month, month_name(month, language)) for month in months),
        headline=_headline(headline, choice.language),
        charts=(_index_chart(choice, series), _monthly_chart(choice, series, months)),
        largest=texts["largest"].format(shown=LARGEST, all=len(series.groups)) if crowd else "",
        table=tuple(_table_month(month, series, language) for month in reversed(months)),
        caption=texts["table_caption"].format(by=by_text, baseline=baseline_text),
        csv=f"/dashboard/uptake.csv?{choice.query}",
    )


def build_series(rows: Sequence[Row], name_of: Callable[[str | None], str]) -> Series:
    """Uptake rows with their groups named for readers, the largest group first."""
    named = [row | {"group": name_of(row["group"])} for row in rows]
    largest: dict[str, int] = {}
    for row in named:
        largest[row["group"]] = max(largest.get(row["group"], 0), row["cumulative"])
    return Series(named, sorted(largest, key=lambda group: (-largest[group], group)))


def _headline(headline: Headline | None, language: Language) -> HeadlineView | None:
    if headline is None or headline.growth_percent is None:
        return None
    return HeadlineView(
        growth=_percent(headline.growth_percent, language),
        index=number_text(headline.index, language, 2),
        month=month_name(headline.month, language),
        baseline=month_name(headline.baseline, language),
        cumulative=number_text(headline.cumulative, language),
        cumulative_then=number_text(headline.cumulative_at_baseline, language),
        connections=number_text(headline.connections, language),
        connections_then=number_text(headline.connections_at_baseline, language),
        monthly_growth=_percent(headline.monthly_growth_percent, language),
        complete=headline.complete,
    )


def _percent(value: float | None, language: Language) -> str:
    text = number_text(value, language, 1, signed=True)
    return text if value is None else f"{text}\u00a0%"


def _index_chart(choice: Choice, series: Series) -> ChartView:
    language, texts = choice.language, TEXTS[choice.language]
    latest = {row["group"]: row["index"] for row in series.rows if row["index"] is not None}
    listed = [
        f"{group} {number_text(latest[group], language, 2)}" for group in series.groups[:LARGEST] if group in latest
    ]
    return ChartView(
        title=texts["index_title"],
        caption=texts["index_caption"],
        address=f"/dashboard/{ChartKind.INDEX.value}.svg?{choice.query}",
        summary=f"{texts['index_title']}: {'; '.join(listed)}",
        drawn=bool(latest),
    )


def _monthly_chart(choice: Choice, series: Series, months: Sequence[str]) -> ChartView:
    language, texts = choice.language, TEXTS[choice.language]
    totals = dict.fromkeys(months, 0)
    for row in series.rows:
        totals[row["month"]] += row["connections"]
    listed = "; ".join(
        f"{month_name(month, language)} {number_text(count, language)}" for month, count in totals.items()
    )
    return ChartView(
        title=texts["monthly_title"],
        caption=texts["monthly_caption"],
        address=f"/dashboard/{ChartKind.CONNECTIONS.value}.svg?{choice.query}",
        summary=f"{texts['monthly_title']}: {listed}",
        drawn=True,
    )


def _table_month(month: str, series: Series, language: Language) -> TableMonth:
    place = {group: position for position, group in enumerate(series.groups)}
    rows = sorted((row for row in series.rows if row["month"] == month), key=lambda row: place[row["group"]])
    return TableMonth(
        name=month_name(month, language),
        complete=all(row["complete"] for row in rows),
        rows=tuple(TableRow(row["group"], _cells(row, language)) for row in rows),
    )


def _cells(row: Row, language: Language) -> tuple[str, ...]:
    counts = (number_text(row[name], language) for name in MEASURES[:5])
    return (
        *counts,
        number_text(row["index"], language, 2),
        number_text(row["growth_percent"], language, 1, signed=True),
    )
