"""The gate: the checks a model has to pass before it goes live, each with its figure and its bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Bounds of the gate; the meaning of each stands in the settings."""

    minimum_positives: int
    minimum_auc_gain: float
    maximum_calibration_error: float


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, what was asked, and whether it is enough."""

    name: str
    found: float
    asked: str
    passed: bool

    def __str__(self) -> str:
        return f"{self.name} is {self.found:.4g}, asked {self.asked}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the evaluation found. Gains are lower ends of 95 % intervals; None where there was no champion."""

    positives: float
    auc_gain_over_popular: float
    auc_gain_over_champion: float | None
    calibration_error: float
    fingerprint_matches: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one model."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> Sequence[str]:
        """The failed checks in words."""
        return [str(check) for check in self.checks if not check.passed]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "passed": self.passed,
            "checks": [
                {"name": check.name, "found": check.found, "asked": check.asked, "passed": check.passed}
                for check in self.checks
            ],
        }


CHAMPION_MARGIN = 0.005


def judge(evidence: Evidence, thresholds: Thresholds) -> Verdict:
    """The verdict on one model: it must beat the popular order, and may lose 0.005 of AUC against the champion."""
    checks = [
        Check(
            "positives in the evaluation window",
            evidence.positives,
            f">= {thresholds.minimum_positives}",
            evidence.positives >= thresholds.minimum_positives,
        ),
        Check(
            "AUC gain over popular (lower end)",
            evidence.auc_gain_over_popular,
            f"> {thresholds.minimum_auc_gain:g}",
            evidence.auc_gain_over_popular > thresholds.minimum_auc_gain,
        ),
        Check(
            "expected calibration error",
            evidence.calibration_error,
            f"<= {thresholds.maximum_calibration_error:g}",
            evidence.calibration_error <= thresholds.maximum_calibration_error,
        ),
        Check(
            "feature schema matches the profiles",
            float(evidence.fingerprint_matches),
            "= 1",
            evidence.fingerprint_matches,
        ),
    ]
    if evidence.auc_gain_over_champion is not None:
        checks.append(
            Check(
                "AUC gain over champion (lower end)",
                evidence.auc_gain_over_champion,
                f"> {-CHAMPION_MARGIN:g}",
                evidence.auc_gain_over_champion > -CHAMPION_MARGIN,
            )
        )
    return Verdict(tuple(checks))
