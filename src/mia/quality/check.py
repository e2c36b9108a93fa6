"""The verdict of a named check: PASS, WARN or FAIL, its value beside the limit, and examples."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isinf
from typing import Any, Generic, Literal, TypeVar

from mia.quality.limits import Limit

Unit = Literal["days", "offers", "share", "factor"]
FactsT = TypeVar("FactsT")
LimitsT = TypeVar("LimitsT")


class Status(StrEnum):
    """What came of a check; SKIP where there was nothing to judge."""

    PASS = "PASS"  # noqa: S105 - a verdict
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Example:
    """What was `found`, and at which `place`: those of day (ISO), kind, region, tariff, file, subscriber,
    offer, row, column that say it.

    `value` is in the unit of the check; examples within the limit are not shown. None is always shown.
    """

    found: str
    place: Mapping[str, str]
    value: float | None = None

    def __str__(self) -> str:
        return f"{', '.join(self.place.values())}: {self.found}"

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {**self.place, "found": self.found, "value": self.value}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check measured: None where there was nothing to judge. Examples come worst first."""

    value: float | None
    note: str = ""
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check with its verdict."""

    name: str
    about: str
    unit: Unit
    limit: Limit
    status: Status
    value: float | None
    note: str
    examples: tuple[Example, ...]

    @classmethod
    def judge(cls, name: str, about: str, unit: Unit, limit: Limit, finding: Finding, most: int) -> "Check":
        """Hold a finding against a limit and keep at most `most` examples."""
        status = status_of(finding.value, limit)
        shown: list[Example] = []
        if status in (Status.WARN, Status.FAIL):
            shown = [found for found in finding.examples if found.value is None or found.value > limit.warn][:most]
        return cls(name, about, unit, limit, status, finding.value, finding.note, tuple(shown))

    @property
    def figure(self) -> str:
        """The value for people."""
        return "-" if self.value is None else written(self.value, self.unit)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "name": self.name,
            "status": self.status.value,
            "value": self.value,
            "unit": self.unit,
            "warn": self.limit.warn,
            "fail": self.limit.fail,
            "about": self.about,
            "note": self.note,
            "examples": [example.to_json() for example in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Rule(Generic[FactsT, LimitsT]):
    """What a check looks at, and in which unit: `find` measures what is to stay below the limit of its name."""

    about: str
    unit: Unit
    find: Callable[[FactsT, LimitsT], Finding]


def judge_all(
    rules: Mapping[str, Rule[FactsT, LimitsT]], facts: FactsT, limits: LimitsT, most: int
) -> tuple[Check, ...]:
    """Every check, in the order of the rules, each with at most so many examples."""
    return tuple(
        Check.judge(name, rule.about, rule.unit, getattr(limits, name), rule.find(facts, limits), most)
        for name, rule in rules.items()
    )


def worst_of(checks: Iterable[Check]) -> Status:
    """The worst verdict of all; SKIP where nothing could be judged."""
    found = {check.status for check in checks}
    return next((status for status in (Status.FAIL, Status.WARN, Status.PASS) if status in found), Status.SKIP)


def status_of(value: float | None, limit: Limit) -> Status:
    """The verdict on a value.

    >>> status_of(2.0, Limit(1, 3)).value
    'WARN'
    """
    if value is None:
        return Status.SKIP
    if value > limit.fail:
        return Status.FAIL
    return Status.WARN if value > limit.warn else Status.PASS


def written(value: float, unit: Unit) -> str:
    """A value with its unit for people.

    >>> written(0.0123, "share"), written(2.0, "days"), written(1234.5, "factor")
    ('1.23 %', '2', '1,230 x')
    """
    if isinf(value):
        return "-"
    if unit in ("days", "offers"):
        return f"{value:,.0f}"
    return f"{rounded(100 * value)} %" if unit == "share" else f"{rounded(value)} x"


def rounded(value: float) -> str:
    """A number with three digits that count.

    >>> rounded(227672064.0), rounded(0.5), rounded(0.0)
    ('228,000,000', '0.5', '0')
    """
    return f"{float(f'{value:.3g}'):,.10g}"
