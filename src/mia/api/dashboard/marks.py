"""Annotations: the months in which model, catalogue or policy changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mia.api.dashboard.words import TEXTS, month_name
from mia.domain.change import Change
from mia.domain.offer import Language
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_of, month_text


@dataclass(frozen=True, slots=True)
class Mark:
    """All changes of one month; charts show the `number`, and the list beside them the `text`."""

    number: int
    month: str
    text: str


def month_of_change(change: Change) -> str:
    """The month of a change, `YYYY-MM`."""
    return month_text(month_of(change.at // (DAY_SECONDS * MICROSECONDS)))


def build_marks(changes: Iterable[Change], months: Sequence[str], language: Language) -> tuple[Mark, ...]:
    """One mark for each of the `months` in which something changed, oldest first.

    >>> changes = [Change("model", "7", 1_614_600_000_000_000), Change("policy", "p2", 1_615_000_000_000_000)]
    >>> build_marks(changes, ["2021-02", "2021-03"], Language.EN)[0].text
    'March 2021: model 7, policy p2'
    """
    found: dict[str, list[str]] = {}
    for change in sorted(changes, key=lambda change: change.at):
        name = f"{TEXTS[language][f'change_{change.kind}']} {change.version[:12]}"
        found.setdefault(month_of_change(change), []).append(name)
    shown = [month for month in months if month in found]
    return tuple(
        Mark(number, month, f"{month_name(month, language)}: {', '.join(found[month])}")
        for number, month in enumerate(shown, 1)
    )
