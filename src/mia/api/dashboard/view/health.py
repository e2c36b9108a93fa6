"""How the live model does, and how fresh the data is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mia.api.dashboard.words import TEXTS, day_name, number_text
from mia.domain.offer import Language
from mia.timeline import day_of_text
from mia.uptake.growth import Span

COLOURS = ("green", "amber", "red")
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know; `colour` is empty where nothing is judged."""

    name: str
    value: str
    note: str = ""
    colour: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of model and data: `report` is the last one on the live model, `ages` in seconds."""

    model: str | None
    report: Mapping[str, Any] | None
    ages: Mapping[str, float]
    span: Span | None
    restated: int
    position: int


def health_view(condition: Condition, language: Language) -> tuple[Fact, ...]:
    """Model in force, its health, the data, profiles and catalogue."""
    texts = TEXTS[language]
    ages = (
        Fact(texts[f"age_{part}"], age_text(condition.ages[part], language))
        for part in ("profile", "catalogue")
        if part in condition.ages
    )
    return (_model(condition, language), _health(condition, language), *_data(condition, language), *ages)


def age_text(seconds: float, language: Language) -> str:
    """An age in its largest unit.

    >>> age_text(7_300, Language.EN)
    '2\xa0h'
    """
    texts = TEXTS[language]
    for size, unit in ((DAY, "days"), (HOUR, "hours")):
        if seconds >= size:
            return f"{number_text(seconds // size, language)}\u00a0{texts[unit]}"
    return f"{number_text(max(seconds, 0) // 60, language)}\u00a0{texts['minutes']}"


def _model(condition: Condition, language: Language) -> Fact:
    texts, age = TEXTS[language], condition.ages.get("model")
    if condition.model is None:
        return Fact(texts["model"], "—", texts["no_model"])
    since = "" if age is None else texts["since"].format(age=age_text(age, language))
    return Fact(texts["model"], condition.model, since, link=f"/dashboard/models/{condition.model}/card")


def _health(condition: Condition, language: Language) -> Fact:
    texts, report = TEXTS[language], condition.report
    if report is None:
        return Fact(texts["health"], texts["not_looked"], texts["not_looked_note"], link="/dashboard/monitor")
    colour = str(report.get("colour", ""))
    checks = [check for check in report.get("checks", ()) if check.get("colour") in ("amber", "red")]
    named = ", ".join(str(check["name"]) for check in checks)
    at = texts["looked_at"].format(at=day_name(day_of_text(str(report["at"])[:10]), language))
    note = f"{at}. {named}" if named else at
    return Fact(
        texts["health"],
        texts[f"colour_{colour}"] if colour in COLOURS else "—",
        note,
        colour if colour in COLOURS else "",
        "/dashboard/monitor",
    )


def _data(condition: Condition, language: Language) -> tuple[Fact, ...]:
    texts, span = TEXTS[language], condition.span
    position = texts["position_of"].format(position=number_text(condition.position, language))
    if span is None:
        return (Fact(texts["data"], "—", position),)
    arrived = span.last_day - 1 if span.arrived_day is None else span.arrived_day
    through = texts["arrived"].format(day=day_name(arrived, language))
    found = Fact(texts["data"], day_name(span.last_day, language), f"{through} {position}")
    if not condition.restated:
        return (found,)
    count = number_text(condition.restated, language)
    return (found, Fact(texts["restated"], count, texts["restated_note"], "amber"))
