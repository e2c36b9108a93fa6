"""One check of the gate: what was found, what was asked, its colour, and words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mia.evaluation.gate.limits import Limit
from mia.evaluation.paired import Gain


class Colour(StrEnum):
    """Green passes, amber passes with a warning, red refuses; grey is what could not be judged and decides nothing."""

    GREY = "grey"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


ORDER = tuple(Colour)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `amber` and `red` are the bounds it was held against, `note` says what lies behind the figure."""

    name: str
    found: float | None
    asked: str
    colour: Colour
    amber: float | None = None
    red: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether a model may go live for all that this check says."""
        return self.colour is not Colour.RED

    def __str__(self) -> str:
        found = "unknown" if self.found is None else f"{self.found:.4g}"
        return f"{self.name} is {found}, asked {self.asked}" + (f" ({self.note})" if self.note else "")

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form; bounds and figures that are no numbers become null."""
        return {
            "name": self.name,
            "found": _number(self.found),
            "asked": self.asked,
            "amber": _number(self.amber),
            "red": _number(self.red),
            "colour": self.colour.value,
            "passed": self.passed,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Check":
        """The inverse of `to_json`."""
        names = ("name", "found", "asked", "amber", "red", "note")
        return cls(**{name: data[name] for name in names}, colour=Colour(data["colour"]))


def at_most(name: str, found: float, limit: Limit, note: str = "") -> Check:
    """What must not be large. What is no number is red: it could not be measured, though it should have been.

    >>> at_most("drift", 0.3, Limit(0.25, 1.0)).colour.value
    'amber'
    """
    colour = Colour.RED if not found <= limit.red else Colour.AMBER if found > limit.amber else Colour.GREEN
    return Check(name, found, f"<= {limit.red:g}", colour, limit.amber, limit.red, note)


def at_least(name: str, found: float, *, amber: float, red: float, note: str = "") -> Check:
    """What must not be small.

    >>> at_least("positives", 300, amber=400, red=200).colour.value
    'amber'
    """
    colour = Colour.RED if not found >= red else Colour.AMBER if found < amber else Colour.GREEN
    return Check(name, found, f">= {red:g}", colour, amber, red, note)


def above(name: str, gain: Gain, bound: float, note: str = "") -> Check:
    """A gain whose lower end must exceed a bound."""
    colour = Colour.GREEN if gain.low > bound else Colour.RED
    return Check(name, gain.low, f"> {bound:g}", colour, bound, bound, note)


def not_worse(name: str, gain: Gain, limit: Limit, note: str = "") -> Check:
    """A gain that may be a small loss: see `GateLimits`. A gain that is no number is red.

    >>> not_worse("AUC", Gain(-0.008, -0.02, 0.004, 0.006), Limit(0.005, 0.02)).colour.value
    'amber'
    """
    proven = not gain.high >= -limit.amber
    colour = (
        Colour.RED
        if proven or not gain.value >= -limit.red
        else Colour.AMBER
        if gain.value < -limit.amber
        else Colour.GREEN
    )
    told = f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}"
    bounds = (-limit.amber, -limit.red)
    return Check(name, gain.value, f">= {-limit.red:g}", colour, *bounds, f"{told}; {note}" if note else told)


def unjudged(name: str, asked: str, why: str, colour: Colour = Colour.GREY) -> Check:
    """A check that has nothing to go by."""
    return Check(name, None, asked, colour, note=why)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
