"""All checks of the gate, in the order they are told."""

from collections.abc import Callable

from mia.evaluation.gate.calibration import check_calibration_error, check_calibration_slope
from mia.evaluation.gate.check import Check
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.learning import check_drift, check_fingerprint, check_positives
from mia.evaluation.gate.limits import GateLimits
from mia.evaluation.gate.ordering import check_auc, check_log_loss, check_ndcg, check_popular
from mia.evaluation.gate.serving import check_failures, check_latency, check_latency_bound, check_violations
from mia.evaluation.gate.slicing import check_slices
from mia.evaluation.gate.value import check_value

CHECKS: tuple[Callable[[Evidence, GateLimits], Check], ...] = (
    check_positives,
    check_popular,
    check_auc,
    check_ndcg,
    check_log_loss,
    check_calibration_error,
    check_calibration_slope,
    check_value,
    check_slices,
    check_fingerprint,
    check_drift,
    check_latency,
    check_latency_bound,
    check_failures,
    check_violations,
)
