"""The verdict of the gate: all checks of one model, and the colour they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mia.evaluation.gate.check import ORDER, Check, Colour
from mia.evaluation.gate.checks import CHECKS
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one model."""

    checks: tuple[Check, ...]

    @property
    def colour(self) -> Colour:
        """The worst colour of any check."""
        return max((check.colour for check in self.checks), key=ORDER.index)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.colour is not Colour.RED

    @property
    def failed(self) -> Sequence[str]:
        """The failed checks in words."""
        return [str(check) for check in self.checks if not check.passed]

    @property
    def warnings(self) -> Sequence[str]:
        """The amber checks in words."""
        return [str(check) for check in self.checks if check.colour is Colour.AMBER]

    @property
    def reasons(self) -> str:
        """Names of the checks that are not green, red ones first: the verdict in one line."""
        told = [check for check in self.checks if check.colour in (Colour.RED, Colour.AMBER)]
        told.sort(key=lambda check: -ORDER.index(check.colour))
        return "; ".join(f"{check.colour.value}: {check.name}" for check in told)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "passed": self.passed,
            "colour": self.colour.value,
            "reasons": self.reasons,
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Verdict":
        """The inverse of `to_json`."""
        return cls(tuple(Check.from_json(one) for one in data["checks"]))


def judge(evidence: Evidence, limits: GateLimits) -> Verdict:
    """The verdict on one model."""
    return Verdict(tuple(check(evidence, limits) for check in CHECKS))
