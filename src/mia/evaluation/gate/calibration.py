"""Checks of the calibration: acceptance must mean what it says."""

import math

from mia.evaluation.gate.check import Check, Colour, at_most, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits, Limit


def check_calibration_error(evidence: Evidence, limits: GateLimits) -> Check:
    """Expected calibration error."""
    amber = min(limits.amber_calibration_error, limits.maximum_calibration_error)
    return at_most(
        "expected calibration error",
        evidence.figure("table", "mia", "calibration_error"),
        Limit(amber, limits.maximum_calibration_error),
    )


def check_calibration_slope(evidence: Evidence, limits: GateLimits) -> Check:
    """Slope of the calibration line, as far from 1 as its interval proves."""
    name, limit = "calibration slope off 1", limits.calibration_slope
    slope = evidence.figure("calibration", "slope")
    if math.isnan(slope):
        why = "no slope was measured when it was trained"
        return unjudged(name, f"<= {limit.red:g}", why, Colour.AMBER)
    low, high = (evidence.figure("calibration", end) for end in ("low", "high"))
    note = f"slope {slope:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    return at_most(name, evidence.figure("calibration", "deviation"), limit, note)
