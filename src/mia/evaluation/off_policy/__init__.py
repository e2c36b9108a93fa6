"""Off-policy evaluation: what another policy would have earned, read off the logged propensities."""

from mia.evaluation.off_policy.estimators import (
    DirectMethod,
    DoublyRobust,
    Estimator,
    Ips,
    ShrinkageDoublyRobust,
    Snips,
    SwitchDoublyRobust,
)
from mia.evaluation.off_policy.limits import OffPolicyLimits, warnings_of
from mia.evaluation.off_policy.logged import Logged, Target
from mia.evaluation.off_policy.overlap import Overlap, overlap_of
from mia.evaluation.off_policy.tables import support_table, values_table
from mia.evaluation.off_policy.tuning import chosen_estimators
from mia.evaluation.off_policy.value import OffPolicy, PolicyValue, estimate_value, estimates_of

__all__ = [
    "DirectMethod",
    "DoublyRobust",
    "Estimator",
    "Ips",
    "Logged",
    "OffPolicy",
    "OffPolicyLimits",
    "Overlap",
    "PolicyValue",
    "ShrinkageDoublyRobust",
    "Snips",
    "SwitchDoublyRobust",
    "Target",
    "chosen_estimators",
    "estimate_value",
    "estimates_of",
    "overlap_of",
    "support_table",
    "values_table",
    "warnings_of",
]
