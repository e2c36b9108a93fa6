"""Check of the off-policy value: what the candidate would have earned beside the reference, on the same log."""

from mia.evaluation.gate.check import Check, not_worse, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits


def check_value(evidence: Evidence, limits: GateLimits) -> Check:
    """Connections an impression in first place, paired over subscribers."""
    found = evidence.policy_gain
    if found is None:
        why = "the log has no propensities that speak for both"
        return unjudged("off-policy value gain over the reference", f">= {-limits.value_loss.red:g}", why)
    name = f"off-policy value gain over {evidence.reference} (share)"
    if not evidence.log_size >= limits.value_effective_size:
        worth = f"the log is worth {evidence.log_size:.0f} rows for one of the two"
        why = f"{worth}, {limits.value_effective_size:.0f} are wanted"
        return unjudged(name, f">= {-limits.value_loss.red:g}", why)
    estimator, gain = found
    return not_worse(name, gain, limits.value_loss, f"by {estimator.upper()}")
