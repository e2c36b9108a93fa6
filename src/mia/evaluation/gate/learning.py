"""Checks of what the model was learnt and measured on: enough positives, the same features, little drift."""

from mia.evaluation.gate.check import Check, Colour, at_least, at_most, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits

NAMED = 3


def check_positives(evidence: Evidence, limits: GateLimits) -> Check:
    """Enough connections in the later window to say anything."""
    return at_least(
        "positives in the evaluation window",
        evidence.figure("positives"),
        amber=limits.amber_positives,
        red=limits.minimum_positives,
    )


def check_fingerprint(evidence: Evidence, _: GateLimits) -> Check:
    """The features that the model was fitted on are those that the profiles carry."""
    same = evidence.evaluation["fingerprint"] == evidence.fingerprint
    colour = Colour.GREEN if same else Colour.RED
    note = "" if same else f"fitted on {evidence.evaluation['fingerprint']}, the profiles carry {evidence.fingerprint}"
    return Check("feature schema matches the profiles", float(same), "= 1", colour, 1.0, 1.0, note)


def check_drift(evidence: Evidence, limits: GateLimits) -> Check:
    """What was learnt still looks like what it is measured on."""
    name = "drift of the training window"
    drift = evidence.evaluation.get("drift")
    if drift is None:
        return unjudged(name, f"<= {limits.drift.red:g}", "not measured when it was trained", Colour.AMBER)
    worst = ", ".join(f"{column} {value:.2f}" for column, value in list(drift["features"].items())[:NAMED])
    return at_most(name, evidence.figure("drift", "weighted"), limits.drift, f"most: {worst}")
