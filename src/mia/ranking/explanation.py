"""Reasons in the subscriber's words, drawn from the model's own contributions.

A feature can speak only where a template says how, where its contribution is positive, and where the fact that the
template states holds for this subscriber. No reason is better than a wrong one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from mia.domain.decision import Reason
from mia.domain.offer import Language, Text
from mia.frames import Floats
from mia.ranking.pairs import Pairs

MOST = 3
GIGABYTE = 1024.0
ROUNDING = 1e-9


@runtime_checkable
class Explainable(Protocol):
    """A ranker that can split its score over the columns of its matrix."""

    @property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features."""

    def contributions(self, pairs: Pairs) -> Floats:
        """R x columns, in the logit."""


@dataclass(frozen=True, slots=True)
class Template:
    """What to say of a fact: `columns` are the model columns that stand for it, `fact` reads it for pair `row`.

    `fact` answers None when it does not hold.
    """

    code: str
    columns: tuple[str, ...]
    text: Text
    fact: Callable[[Pairs, int], float | None]


def _profile(name: str, least: float, scale: float = 1.0) -> Callable[[Pairs, int], float | None]:
    def fact(pairs: Pairs, row: int) -> float | None:
        values = pairs.profiles.column(name)
        value = np.nan if values is None else float(values[pairs.rows[row]]) / scale
        return value if value >= least else None

    return fact


def _pair(name: str, least: float) -> Callable[[Pairs, int], float | None]:
    def fact(pairs: Pairs, row: int) -> float | None:
        value = float(pairs.feature(name)[row])
        return value if value >= least else None

    return fact


def _of_offer(column: str, then: Callable[[Pairs, int], float | None]) -> Callable[[Pairs, int], float | None]:
    """The fact, but only for offers that give something in that column."""

    def fact(pairs: Pairs, row: int) -> float | None:
        return then(pairs, row) if pairs.offers.column(column)[pairs.cols[row]] > 0 else None

    return fact


def _tagged(tags: tuple[str, ...], then: Callable[[Pairs, int], float | None]) -> Callable[[Pairs, int], float | None]:
    """The fact, but only for offers with one of these tags."""

    def fact(pairs: Pairs, row: int) -> float | None:
        offer = pairs.offers.offers[pairs.cols[row]]
        return then(pairs, row) if any(tag in offer.tags for tag in tags) else None

    return fact


def _percent(name: str, least: float) -> Callable[[Pairs, int], float | None]:
    def fact(pairs: Pairs, row: int) -> float | None:
        value = float(pairs.feature(name)[row])
        return 100.0 * value if value >= least else None

    return fact


def _above(name: str, broader: str, least: float) -> Callable[[Pairs, int], float | None]:
    """A smoothed rate that lies above the broader one it is shrunk to: only connections of its own lift it there."""

    def fact(pairs: Pairs, row: int) -> float | None:
        value, other = float(pairs.feature(name)[row]), float(pairs.feature(broader)[row])
        return value if value >= least and value > other * (1 + ROUNDING) else None

    return fact


def _unless(
    other: Callable[[Pairs, int], float | None], then: Callable[[Pairs, int], float | None]
) -> Callable[[Pairs, int], float | None]:
    """The fact, but only where the other one does not hold."""

    def fact(pairs: Pairs, row: int) -> float | None:
        return then(pairs, row) if other(pairs, row) is None else None

    return fact


POPULAR_IN_REGION = _above("offer_region_rate", "offer_rate", 0.03)

TEMPLATES: tuple[Template, ...] = (
    Template(
        "data_above_tariff",
        ("data_used_share", "data_need_above", "data_use_to_offer"),
        Text(
            "За месяц израсходовано {value:.0f} % пакета интернета", "{value:.0f} % of the data package used in a month"
        ),
        _of_offer("offer_data_mb", _percent("data_used_share", 0.8)),
    ),
    Template(
        "heavy_data",
        (
            "data_mb_30d",
            "data_mb_90d",
            "data_mb_7d",
            "data_use_to_offer",
            "data_mb_per_active_day_30d",
            "data_sessions_30d",
        ),
        Text("За месяц вы израсходовали {value:.1f} ГБ", "You used {value:.1f} GB in a month"),
        _of_offer("offer_data_mb", _profile("data_mb_30d", 2.0, GIGABYTE)),
    ),
    Template(
        "voice_above_tariff",
        ("voice_used_share", "voice_need_above", "voice_use_to_offer"),
        Text("За месяц израсходовано {value:.0f} % пакета минут", "{value:.0f} % of the minutes used in a month"),
        _of_offer("offer_voice_minutes", _percent("voice_used_share", 0.8)),
    ),
    Template(
        "heavy_voice",
        (
            "voice_minutes_30d",
            "voice_out_minutes_30d",
            "voice_out_minutes_90d",
            "voice_minutes_90d",
            "voice_use_to_offer",
        ),
        Text("За месяц {value:.0f} мин исходящих звонков", "{value:.0f} minutes of outgoing calls in a month"),
        _of_offer("offer_voice_minutes", _profile("voice_out_minutes_30d", 100.0)),
    ),
    Template(
        "uses_category",
        (
            "tag_records_30d",
            "tag_records_90d",
            "tag_records_365d",
            "tag_fresh",
            "tag_share",
            "tag_days_365d",
            "tag_charge_365d",
        ),
        Text("Вы часто этим пользуетесь (за месяц: {value:.0f})", "You use this often: {value:.0f} times in a month"),
        _pair("tag_records_30d", 5.0),
    ),
    Template(
        "uses_item",
        ("item_records_30d", "item_records_90d", "item_records_365d", "item_fresh", "item_share", "item_days_365d"),
        Text(
            "Вы уже выбирали это (за три месяца: {value:.0f})",
            "You chose this before: {value:.0f} times in three months",
        ),
        _pair("item_records_90d", 2.0),
    ),
    Template(
        "roaming",
        ("roaming_data_mb_30d", "roaming_data_mb_90d", "roaming_voice_minutes_90d", "roaming_voice_minutes_30d"),
        Text("В поездках за три месяца: {value:.0f} МБ", "{value:.0f} MB used on trips in three months"),
        _tagged(("travel", "roaming"), _profile("roaming_data_mb_90d", 50.0)),
    ),
    Template(
        "liked_category",
        ("prior_category_connections", "subscriber_category_rate"),
        Text("Вы уже подключали похожие предложения", "You connected similar offers before"),
        _pair("prior_category_connections", 1.0),
    ),
    Template(
        "popular_in_region",
        ("offer_region_rate", "offer_rate", "category_rate"),
        Text("Часто подключают в вашем регионе", "Often connected in your region"),
        POPULAR_IN_REGION,
    ),
    Template(
        "popular",
        ("offer_region_rate", "offer_rate", "category_rate"),
        Text("Часто подключают", "Often connected"),
        _unless(POPULAR_IN_REGION, _above("offer_rate", "category_rate", 0.03)),
    ),
)


def explain(model: Explainable, pairs: Pairs, language: Language) -> list[tuple[Reason, ...]]:
    """Up to three reasons for each of R pairs, the strongest first."""
    contributions = model.contributions(pairs)
    weights = np.column_stack(
        [
            contributions[:, [model.places[name] for name in template.columns if name in model.places]].sum(axis=1)
            for template in TEMPLATES
        ]
    )
    return [_reasons(pairs, row, weights[row], language) for row in range(len(pairs))]


def _reasons(pairs: Pairs, row: int, weights: Floats, language: Language) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for place in np.argsort(-weights, kind="stable"):
        if weights[place] <= 0 or len(found) == MOST:
            break
        template = TEMPLATES[place]
        value = template.fact(pairs, row)
        if value is not None:
            found.append(Reason(template.code, template.text.in_language(language).format(value=value)))
    return tuple(found)
