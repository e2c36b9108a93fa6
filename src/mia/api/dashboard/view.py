"""What the dashboard page shows, worked out from uptake: plain values ready for the template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mia.api.dashboard.charts import LARGEST, ChartKind, Series
from mia.api.dashboard.words import TEXTS, group_name, month_name, number_text
from mia.domain.offer import Language
from mia.uptake.headline import Headline

USUAL_MONTHS = 24
"""How many months are shown where none were asked for."""
MEASURES = ("impressions", "clicks", "connections", "disconnections", "cumulative", "index", "growth")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader asked to see; None is as usual."""

    baseline: str
    by: str
    language: Language
    start: str | None = None
    end: str | None = None
    macro_region: str | None = None

    @property
    def query(self) -> str:
        """The choice as a query string."""
        given = {"from": self.start, "to": self.end, "macro_region": self.macro_region}
        always = {"baseline": self.baseline, "by": self.by, "lang": self.language.value}
        return urlencode(always | {name: value for name, value in given.items() if value is not None})

    def period(self, months: Sequence[str], settled: str | None) -> tuple[str, str]:
        """The first and the last month to show, of the `months` there are.

        As usual that is the last `USUAL_MONTHS`, up to the newest month, or up to `settled`, the newest complete month
        with events, when months without any event lie between the two.

        >>> months = [f"2021-{month:02d}" for month in range(1, 13)]
        >>> Choice("2021-01", "arm", Language.EN).period(months, "2021-11")
        ('2021-01', '2021-12')
        >>> Choice("2021-01", "arm", Language.EN).period(months, "2021-06")
        ('2021-01', '2021-06')
        """
        adjacent = settled is None or settled in months[-2:]
        usual = months[-1] if adjacent or settled is None else settled
        end = self.end or (usual if self.start is None or self.start <= usual else months[-1])
        before = [month for month in months if month <= end]
        return self.start or before[-USUAL_MONTHS:][0], end


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a select box."""

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
    state: str


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

    choice: Choice
    months: tuple[Option, ...]
    regions: tuple[Option, ...]
    region: Option
    headline: HeadlineView | None
    note: str
    charts: tuple[ChartView, ...]
    table: tuple[TableMonth, ...]
    caption: str
    csv: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the services found for a choice: `months` and `regions` are all there are, months oldest first."""

    series: Series
    months: Sequence[str]
    regions: Sequence[str]
    region: str
    headline: Headline | None


def build_view(choice: Choice, found: Found) -> View | None:
    """The page for one choice; None when there is nothing to show yet."""
    series, language, texts = found.series, choice.language, TEXTS[choice.language]
    if not series.rows:
        return None
    by_text, baseline_text = texts[choice.by], month_name(choice.baseline, language)
    shown = list(dict.fromkeys(row["month"] for row in series.rows))
    later = choice.end is None and shown[-1] != found.months[-1]
    return View(
        choice=choice,
        months=tuple(Option(month, month_name(month, language)) for month in found.months),
        regions=tuple(Option(region, group_name(region, language)) for region in found.regions),
        region=Option(found.region, group_name(found.region, language)),
        headline=_headline(found.headline, choice),
        note=_join(
            texts["arm_note"] if choice.by == "arm" else "",
            texts["to_come"].format(month=month_name(found.months[-1], language)) if later else "",
        ),
        charts=(_index_chart(choice, series), _monthly_chart(choice, series, shown)),
        table=tuple(_table_month(month, series, language) for month in reversed(shown)),
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


def _headline(headline: Headline | None, choice: Choice) -> HeadlineView | None:
    if headline is None or headline.growth_percent is None:
        return None
    language, texts = choice.language, TEXTS[choice.language]
    settled = texts["settled"] if choice.end is None else texts["complete"]
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
        state=settled if headline.complete else texts["incomplete"],
    )


def _percent(value: float | None, language: Language) -> str:
    text = number_text(value, language, 1, signed=True)
    return text if value is None else f"{text}\u00a0%"


def _index_chart(choice: Choice, series: Series) -> ChartView:
    language, texts = choice.language, TEXTS[choice.language]
    indexed = series.indexed
    latest = {row["group"]: row["index"] for row in series.rows if row["index"] is not None}
    listed = [f"{group} {number_text(latest[group], language, 2)}" for group in indexed[:LARGEST]]
    missing = len(series.groups) - len(indexed)
    without = texts["without_line"].format(count=missing) if indexed and missing else ""
    return ChartView(
        title=texts["index_title"],
        caption=_join(texts["index_caption"], _largest(choice, indexed), without),
        address=f"/dashboard/{ChartKind.INDEX.value}.svg?{choice.query}",
        summary=f"{texts['index_title']}: {'; '.join(listed)}",
        drawn=bool(indexed),
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
        caption=_join(texts["monthly_caption"], _largest(choice, series.connected)),
        address=f"/dashboard/{ChartKind.CONNECTIONS.value}.svg?{choice.query}",
        summary=f"{texts['monthly_title']}: {listed}",
        drawn=True,
    )


def _largest(choice: Choice, groups: Sequence[str]) -> str:
    if len(groups) <= LARGEST:
        return ""
    return TEXTS[choice.language]["largest"].format(shown=LARGEST, all=len(groups))


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


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
