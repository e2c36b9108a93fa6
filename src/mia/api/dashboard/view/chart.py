"""One chart on the page: its words, its files and its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2s

from mia.api.dashboard.charts import (
    HEIGHT,
    LARGEST,
    MOST_ROWS,
    ChartKind,
    FunnelRow,
    LiftRow,
    funnel_height,
    lift_height,
)
from mia.api.dashboard.choice import Choice
from mia.api.dashboard.lifts import LiftFound
from mia.api.dashboard.marks import Mark
from mia.api.dashboard.series import Series
from mia.api.dashboard.view.sheet import (
    Sheet,
    connections_sheet,
    funnel_sheet,
    index_sheet,
    interval_text,
    lift_name,
    lift_sheet,
    period_text,
)
from mia.api.dashboard.words import TEXTS, month_name, number_text, percent_text
from mia.domain.offer import Language
from mia.uptake.lift.result import GroupLift, LiftReport


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart; `summary` says in words what it shows, `nothing` stands in its place where it is not drawn."""

    kind: str
    title: str
    caption: str
    query: str
    summary: str = ""
    height: int = HEIGHT
    nothing: str = ""
    pending: bool = False
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    sheet: Sheet | None = None

    @property
    def stamp(self) -> str:
        """Changes with what the chart shows, so that browsers ask for its drawing again only then."""
        shown = repr((self.summary, self.marks, self.sheet)).encode()
        return blake2s(shown, digest_size=6).hexdigest()


def index_view(series: Series, choice: Choice, by: str, marks: tuple[Mark, ...]) -> ChartView:
    """The index by group over months."""
    language, texts = choice.language, TEXTS[choice.language]
    indexed = series.indexed
    latest = {row["group"]: row["index"] for row in series.rows if row["index"] is not None}
    listed = [f"{group} {number_text(latest[group], language, 2)}" for group in indexed[:LARGEST]]
    missing = len(series.groups) - len(indexed)
    without = texts["without_line"].format(count=missing) if indexed and missing else ""
    return ChartView(
        ChartKind.INDEX.value,
        texts["index_title"].format(by=texts[f"by_{by}"]),
        _join(texts["index_caption"], _largest(language, indexed), without),
        choice.query,
        f"{texts['index_axis']}: {'; '.join(listed)}",
        nothing="" if indexed else texts["no_index"],
        marks=marks,
        sheet=index_sheet(series, choice, by),
    )


def connections_view(series: Series, choice: Choice, by: str, marks: tuple[Mark, ...]) -> ChartView:
    """Connections by month, stacked."""
    language, texts = choice.language, TEXTS[choice.language]
    totals = dict.fromkeys(series.months, 0)
    for row in series.rows:
        totals[row["month"]] += row["connections"]
    listed = "; ".join(
        f"{month_name(month, language)} {number_text(count, language)}" for month, count in totals.items()
    )
    return ChartView(
        ChartKind.CONNECTIONS.value,
        texts["monthly_title"].format(by=texts[f"by_{by}"]),
        _join(texts["monthly_caption"], _largest(language, series.connected)),
        choice.query,
        f"{texts['monthly_axis']}: {listed}",
        nothing="" if series.connected else texts["no_connections"],
        marks=marks,
        sheet=connections_sheet(series, choice, by),
    )


def funnel_view(rows: Sequence[FunnelRow], choice: Choice) -> ChartView:
    """From impression to connection, by channel."""
    language, texts = choice.language, TEXTS[choice.language]
    listed = "; ".join(
        f"{row.channel}: " + " → ".join(number_text(getattr(row, step), language) for step in _FUNNEL) for row in rows
    )
    return ChartView(
        ChartKind.FUNNEL.value,
        texts["funnel_title"],
        texts["funnel_caption"],
        choice.query,
        f"{texts['funnel_title']}: {listed}",
        funnel_height(rows),
        nothing="" if rows else texts["nothing_here"],
        sheet=funnel_sheet(rows, choice) if rows else None,
    )


def lift_view(lift: LiftFound, choice: Choice) -> ChartView:
    """Lift of arm mia over arm control, by group."""
    language, texts = choice.language, TEXTS[choice.language]
    kind, title = ChartKind.LIFT.value, texts["lift_title"]
    report = lift.report
    if report is None:
        why = texts["lift_pending"] if lift.is_pending else texts["no_lift_because"].format(why=lift.trouble)
        return ChartView(kind, title, texts["lift_about"], choice.query, nothing=why, pending=lift.is_pending)
    rows = lift_rows(report, choice)
    total = report.total
    summary = texts["no_interval"]
    if total.connections.relative is not None:
        summary = texts["lift_summary"].format(
            lift=percent_text(total.connections.relative * 100, language),
            interval=interval_text(total.connections.anytime_relative_interval, language, 100.0, 1),
            caused=number_text(total.incremental.connections, language, signed=True),
        )
    thin = len(report.groups) + 1 - len(rows)
    notes = tuple(texts[f"note_{note}"] for note in report.notes)
    return ChartView(
        kind,
        title,
        _join(
            period_text(report, language),
            summary,
            texts["lift_about"],
            texts["lift_thin"].format(count=thin) if thin > 0 else "",
        ),
        choice.query,
        summary,
        lift_height(rows),
        nothing="" if rows else texts["no_interval"],
        notes=(*notes, *([texts["lift_everybody"]] if choice.only else [])),
        sheet=lift_sheet(report, choice),
    )


def lift_rows(report: LiftReport, choice: Choice) -> tuple[LiftRow, ...]:
    """Groups with an interval, all together first and then by size; only that one which figures are narrowed to."""
    wanted = choice.only.get(report.by or "")
    groups = sorted(
        (group for group in report.groups if wanted is None or group.group in wanted),
        key=lambda group: -sum(arm.subscribers for arm in group.arms.values()),
    )
    rows = (_lift_row(group, choice.language) for group in (report.total, *groups))
    return tuple(row for row in rows if row is not None)[:MOST_ROWS]


_FUNNEL = ("impressions", "clicks", "connections")


def _lift_row(group: GroupLift, language: Language) -> LiftRow | None:
    effect = group.connections
    low, high = effect.anytime_relative_interval.low, effect.anytime_relative_interval.high
    if effect.relative is None or low is None or high is None:
        return None
    return LiftRow(lift_name(group, language), effect.relative * 100, low * 100, high * 100)


def _largest(language: Language, groups: Sequence[str]) -> str:
    if len(groups) <= LARGEST:
        return ""
    return TEXTS[language]["largest"].format(shown=LARGEST, all=len(groups))


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
