"""Tables as they stand on the page: text in cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from mia.api.dashboard.charts import FunnelRow
from mia.api.dashboard.choice import Choice
from mia.api.dashboard.series import Row, Series
from mia.api.dashboard.words import TEXTS, day_name, group_name, month_name, number_text, percent_text
from mia.domain.offer import Language
from mia.uptake.growth import TOTAL
from mia.uptake.lift.effect import Interval
from mia.uptake.lift.result import GroupLift, LiftReport

MEASURES = ("impressions", "clicks", "connections", "disconnections", "cumulative", "index", "growth")
COUNTS = MEASURES[:5]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A name and its figures."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """Rows under a heading of their own; None where there is only one body."""

    rows: tuple[SheetRow, ...]
    head: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table; `first` is the heading of the names."""

    caption: str
    first: str
    columns: tuple[str, ...]
    bodies: tuple[Body, ...]


def index_sheet(series: Series, choice: Choice, by: str) -> Sheet:
    """All figures by month and group, the newest month first."""
    texts = TEXTS[choice.language]
    caption = texts["table_caption"].format(by=texts[by], baseline=month_name(choice.baseline, choice.language))
    bodies = tuple(_month(month, series, choice.language) for month in reversed(series.months))
    return Sheet(caption, texts[by].capitalize(), tuple(texts[name] for name in MEASURES), bodies)


def connections_sheet(series: Series, choice: Choice, by: str) -> Sheet:
    """Connections with a row a month and a column a group, the newest month first."""
    language, texts = choice.language, TEXTS[choice.language]
    groups = series.connected
    found = {(row["month"], row["group"]): row["connections"] for row in series.rows}
    rows = []
    for month in reversed(series.months):
        counts = [found.get((month, group), 0) for group in groups]
        cells = (number_text(count, language) for count in (sum(counts), *counts))
        rows.append(SheetRow(month_name(month, language), tuple(cells)))
    caption = texts["connections_caption"].format(by=texts[by])
    return Sheet(caption, texts["month"], (texts["in_all"], *groups), (Body(tuple(rows)),))


def funnel_sheet(rows: Sequence[FunnelRow], choice: Choice) -> Sheet:
    """The funnel with a row a channel."""
    language, texts = choice.language, TEXTS[choice.language]

    def cells(row: FunnelRow) -> tuple[str, ...]:
        return (
            number_text(row.impressions, language),
            number_text(row.clicks, language),
            percent_text(row.share("clicks"), language, signed=False),
            number_text(row.connections, language),
            percent_text(row.share("connections"), language, signed=False),
            percent_text(row.acceptance, language, signed=False),
        )

    names = ("impressions", "clicks", "click_share", "connections", "connection_share", "acceptance")
    body = Body(tuple(SheetRow(row.channel, cells(row)) for row in rows))
    return Sheet(texts["funnel_title"], texts["channel"].capitalize(), tuple(texts[name] for name in names), (body,))


def lift_sheet(report: LiftReport, choice: Choice) -> Sheet:
    """Lift with a row a group, all together first."""
    texts = TEXTS[choice.language]
    names = ("control_mean", "mia_mean", "lift_connections", "lift_value", "caused", "p_value", "arm_sizes")
    rows = tuple(
        SheetRow(lift_name(group, choice.language), _lift_cells(group, choice.language))
        for group in (report.total, *report.groups)
    )
    first = texts[report.by].capitalize() if report.by else ""
    return Sheet(texts["lift_caption"], first, tuple(texts[name] for name in names), (Body(rows),))


def lift_name(group: GroupLift, language: Language) -> str:
    """What readers call a group of lift."""
    return TEXTS[language]["in_all"] if group.group == TOTAL else group_name(group.group, language)


def period_text(report: LiftReport, language: Language) -> str:
    """From when to when lift was measured."""
    start, end = (day_name(day, language) for day in (report.start, report.end))
    return TEXTS[language]["lift_period"].format(start=start, end=end)


def interval_text(interval: Interval, language: Language, factor: float = 1.0, decimals: int = 0) -> str:
    """Both ends, an em dash without.

    >>> interval_text(Interval(-0.01, 0.2), Language.EN, 100.0, 1)
    '−1.0 … +20.0'
    """
    if interval.low is None or interval.high is None:
        return "—"
    ends = (number_text(end * factor, language, decimals, signed=True) for end in (interval.low, interval.high))
    return " … ".join(ends)


def _month(month: str, series: Series, language: Language) -> Body:
    place = {group: position for position, group in enumerate(series.groups)}
    rows = sorted((row for row in series.rows if row["month"] == month), key=lambda row: place[row["group"]])
    return Body(
        tuple(SheetRow(row["group"], _cells(row, language)) for row in rows),
        month_name(month, language),
        all(row["complete"] for row in rows),
    )


def _cells(row: Row, language: Language) -> tuple[str, ...]:
    counts = (number_text(row[name], language) for name in COUNTS)
    growth = number_text(row["growth_percent"], language, 1, signed=True)
    return (*counts, number_text(row["index"], language, 2), growth)


def _lift_cells(group: GroupLift, language: Language) -> tuple[str, ...]:
    connections, value, caused = group.connections, group.value, group.incremental

    def with_interval(lift: float | None, interval: Interval) -> str:
        if lift is None:
            return "—"
        return f"{percent_text(lift * 100, language)} ({interval_text(interval, language, 100.0, 1)})"

    sizes = (number_text(group.arms[arm].subscribers, language) for arm in ("control", "mia"))
    return (
        number_text(connections.control, language, 3),
        number_text(connections.mia, language, 3),
        with_interval(connections.relative, connections.anytime_relative_interval),
        with_interval(value.relative, value.anytime_relative_interval),
        f"{number_text(caused.connections, language, signed=True)} "
        f"({interval_text(caused.anytime_interval, language)})",
        number_text(connections.anytime_p_value, language, 4),
        " / ".join(sizes),
    )
