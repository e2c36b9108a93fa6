"""The headline: growth of one macro-region against the baseline month, and how much of it MIA caused."""

from dataclasses import dataclass

from mia.api.dashboard.choice import Choice
from mia.api.dashboard.lifts import LiftFound
from mia.api.dashboard.view.sheet import interval_text, period_text
from mia.api.dashboard.words import TEXTS, group_name, month_name, number_text, percent_text
from mia.uptake.headline import Headline
from mia.uptake.lift.effect import Interval
from mia.uptake.lift.result import GroupLift


@dataclass(frozen=True, slots=True)
class CausedView:
    """What MIA caused in the macro-region; `note` stands in its place while there is nothing to tell."""

    connections: str = ""
    interval: str = ""
    period: str = ""
    lift: str = ""
    lift_interval: str = ""
    growth: str = ""
    growth_interval: str = ""
    note: str = ""
    pending: bool = False


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
    growth_interval: str
    monthly_growth_interval: str
    complete: bool
    state: str


def headline_view(headline: Headline | None, choice: Choice) -> HeadlineView | None:
    """The figures; None where growth cannot be counted."""
    if headline is None or headline.growth_percent is None:
        return None
    language, texts = choice.language, TEXTS[choice.language]
    settled = texts["settled"] if choice.end is None else texts["complete"]
    return HeadlineView(
        growth=percent_text(headline.growth_percent, language),
        index=number_text(headline.index, language, 2),
        month=month_name(headline.month, language),
        baseline=month_name(headline.baseline, language),
        cumulative=number_text(headline.cumulative, language),
        cumulative_then=number_text(headline.cumulative_at_baseline, language),
        connections=number_text(headline.connections, language),
        connections_then=number_text(headline.connections_at_baseline, language),
        monthly_growth=percent_text(headline.monthly_growth_percent, language),
        growth_interval=_ends_text(headline.growth_interval, choice),
        monthly_growth_interval=_ends_text(headline.monthly_growth_interval, choice),
        complete=headline.complete,
        state=settled if headline.complete else texts["incomplete"],
    )


def caused_view(region: str, lift: LiftFound, choice: Choice) -> CausedView:
    """What MIA caused in a macro-region, by lift by macro-region."""
    texts = TEXTS[choice.language]
    if choice.only:
        return CausedView(note=texts["lift_everybody"])
    if lift.report is None:
        return CausedView(note=texts["lift_pending"] if lift.is_pending else texts["no_lift"], pending=lift.is_pending)
    group = next((group for group in lift.report.groups if group.group == region), None)
    if group is None or lift.report.began is None:
        return CausedView(note=texts["no_decisions_short"])
    if group.small_base:
        return CausedView(note=texts["small_base_short"].format(region=group_name(region, choice.language)))
    return _caused(group, period_text(lift.report, choice.language), choice)


def _caused(group: GroupLift, period: str, choice: Choice) -> CausedView:
    language, caused, effect = choice.language, group.incremental, group.connections
    relative = None if effect.relative is None else effect.relative * 100
    growth = None if caused.index is None else (caused.index - 1) * 100
    return CausedView(
        connections=number_text(caused.connections, language, signed=True),
        interval=interval_text(caused.anytime_interval, language),
        period=period,
        lift=percent_text(relative, language),
        lift_interval=interval_text(effect.anytime_relative_interval, language, 100.0, 1),
        growth="" if growth is None else percent_text(growth, language),
        growth_interval=_ends_text(_growth_ends(caused.index_anytime_interval), choice),
    )


def _growth_ends(index: Interval) -> tuple[float, float] | None:
    if index.low is None or index.high is None:
        return None
    return (index.low - 1) * 100, (index.high - 1) * 100


def _ends_text(ends: tuple[float, float] | None, choice: Choice) -> str:
    return "" if ends is None else interval_text(Interval(*ends), choice.language, decimals=1)
