"""The gate: the checks that a model has to pass before it goes live, each with figure, bounds and colour."""

from mia.evaluation.gate.check import Check, Colour
from mia.evaluation.gate.checks import CHECKS
from mia.evaluation.gate.evidence import Evidence, Trial
from mia.evaluation.gate.limits import GateLimits, Limit
from mia.evaluation.gate.verdict import Verdict, judge

__all__ = ["CHECKS", "Check", "Colour", "Evidence", "GateLimits", "Limit", "Trial", "Verdict", "judge"]
