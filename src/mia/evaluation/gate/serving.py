"""Checks of the rehearsal: fast enough, able to decide, and never against a rule."""

from mia.evaluation.gate.check import Check, Colour, at_most, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits, Limit

NAMED = 3
NONE_ALLOWED = Limit(0, 0)
NOBODY = "there was nobody to rehearse with; `mia profile` makes profiles"


def check_latency(evidence: Evidence, limits: GateLimits) -> Check:
    """Time to score 40 rows beside a fixed piece of work, so that a slow or busy machine does not decide."""
    name = "scoring 40 rows, times the yardstick"
    if evidence.trial is None:
        return unjudged(name, f"<= {limits.latency.red:g}", NOBODY, Colour.AMBER)
    return at_most(name, evidence.trial.ratio, limits.latency, f"{evidence.trial.microseconds:,.0f} us")


def check_latency_bound(evidence: Evidence, limits: GateLimits) -> Check:
    """Time to score 40 rows, whatever the machine."""
    name, limit = "scoring 40 rows, microseconds", limits.latency_microseconds
    if evidence.trial is None:
        return unjudged(name, f"<= {limit.red:g}", NOBODY, Colour.AMBER)
    return at_most(name, evidence.trial.microseconds, limit)


def check_failures(evidence: Evidence, _: GateLimits) -> Check:
    """Decisions that the model could not take."""
    name, trial = "decisions the model failed on", evidence.trial
    if trial is None:
        return unjudged(name, "<= 0", NOBODY, Colour.AMBER)
    return at_most(name, trial.failed, NONE_ALLOWED, trial.why or f"of {trial.decisions} rehearsed")


def check_violations(evidence: Evidence, _: GateLimits) -> Check:
    """Offers in rehearsed decisions that a rule forbids."""
    name, trial = "offers shown against a rule", evidence.trial
    if trial is None:
        return unjudged(name, "<= 0", NOBODY, Colour.AMBER)
    note = "; ".join(trial.violations[:NAMED]) or f"in {trial.decisions} rehearsed decisions"
    return at_most(name, len(trial.violations), NONE_ALLOWED, note)
