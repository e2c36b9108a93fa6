"""Checks of the ranking on the later window: above the popular order, and not below the reference."""

from dataclasses import replace

from mia.evaluation.gate.check import Check, Colour, above, not_worse, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits, Limit
from mia.evaluation.paired import Gain


def check_popular(evidence: Evidence, limits: GateLimits) -> Check:
    """It must say more than the popular order does."""
    value, low, high = (evidence.figure("auc_gain_over_popular", name) for name in ("value", "low", "high"))
    gain = Gain(value, low, high, float("nan"))
    return above("AUC gain over popular (lower end)", gain, limits.minimum_auc_gain)


def check_auc(evidence: Evidence, limits: GateLimits) -> Check:
    """AUC against the reference."""
    return _check(evidence, "auc", "AUC", limits.auc_loss)


def check_ndcg(evidence: Evidence, limits: GateLimits) -> Check:
    """NDCG@3 against the reference."""
    return _check(evidence, "ndcg_at_3", "NDCG@3", limits.ndcg_loss)


def check_log_loss(evidence: Evidence, limits: GateLimits) -> Check:
    """Log loss against the reference, as a share of the reference's."""
    return _check(evidence, "log_loss", "log loss (share)", limits.log_loss_rise)


def _check(evidence: Evidence, key: str, title: str, limit: Limit) -> Check:
    if evidence.reference is None:
        why = "not measured when it was trained"
        return unjudged(f"{title} gain over the reference", f">= {-limit.red:g}", why, Colour.AMBER)
    note = evidence.reference_note
    check = not_worse(f"{title} gain over {evidence.reference}", evidence.gain(key), limit, note)
    # Against the popular order only the gain in AUC decides: rates follow every day, a model's calibration does not.
    return check if note == "" or check.passed else replace(check, colour=Colour.AMBER)
