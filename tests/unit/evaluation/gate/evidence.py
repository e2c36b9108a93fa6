"""Evidence of a model that passes every check, to be made worse by the tests."""

from copy import deepcopy
from typing import Any

from mia.evaluation.gate import Evidence, Trial

FINGERPRINT = "f1"
GOOD_GAIN = {"value": 0.01, "low": 0.002, "high": 0.02, "spread": 0.004}
LOST = {"value": -0.2, "low": -0.25, "high": -0.15, "spread": 0.02}
UNSURE = {"value": -0.01, "low": -0.09, "high": 0.07, "spread": 0.04}
UNKNOWN = {"value": None, "low": None, "high": None, "spread": None}
TRIAL = Trial(300.0, 0.6, 200, 0, "", ())
SLICE: dict[str, Any] = {
    "name": "region Kurgan",
    "about": "",
    "rows": 900,
    "positives": 40,
    "stated": 0.05,
    "observed": 0.04,
    "auc": 0.7,
    "reference_auc": 0.69,
    "auc_gain": GOOD_GAIN,
    "log_loss_gain": GOOD_GAIN,
}
SMALL = SLICE | dict.fromkeys(("stated", "observed", "auc", "reference_auc", "auc_gain", "log_loss_gain"))
ESTIMATE = {"value": 0.7, "low": 0.65, "high": 0.75}
EVALUATION: dict[str, Any] = {
    "window": ["2021-05-17", "2021-06-17"],
    "rows": 15_000,
    "positives": 683.0,
    "trained_from": "2021-01-01",
    "trained_through": "2021-06-17",
    "trained_until": "2021-07-01",
    "trained_rows": 70_000,
    "catalogue": "c1",
    "fingerprint": FINGERPRINT,
    "data_fingerprint": "d1",
    "parameters": {"trees": 400, "seed": 7},
    "gains": {"offer_rate": 0.5, "data_mb_30d": 0.2},
    "auc_gain_over_popular": {"value": 0.1, "low": 0.05, "high": 0.15},
    "table": {
        "mia": {"auc": ESTIMATE, "log_loss": 0.1, "ndcg_at_3": 0.8, "calibration_error": 0.005},
        "popular": {"auc": ESTIMATE, "log_loss": 0.2, "ndcg_at_3": 0.7, "calibration_error": None},
    },
    "policies": {
        "mia": {"ips": ESTIMATE, "snips": ESTIMATE, "effective_size": 900.0, "matched": 0.1},
        **{
            name: {"ips": ESTIMATE, "snips": ESTIMATE, "effective_size": 800.0, "matched": 0.1}
            for name in ("popular", "champion 3")
        },
    },
    "champion": {"version": "3", "auc_gain": ESTIMATE},
    "reference": {"name": "champion 3", "rows": 9_000, "positives": 300.0, "note": ""},
    "gains_over_reference": {"auc": GOOD_GAIN, "ndcg_at_3": GOOD_GAIN, "log_loss": GOOD_GAIN},
    "policy_gain": {"snips": GOOD_GAIN},
    "calibration": {
        "intercept": 0.0,
        "slope": 1.02,
        "low": 0.95,
        "high": 1.09,
        "deviation": 0.0,
        "bins": [
            {"share": 0.5, "stated": 0.01, "observed": 0.012},
            {"share": 0.5, "stated": 0.1, "observed": 0.09},
        ],
    },
    "slices": [SLICE, SMALL | {"name": "new offers", "about": "under 200 impressions of the offer before"}],
    "drift": {"weighted": 0.1, "features": {"data_mb_30d": 0.3, "charge_sum_30d": 0.05}},
}


def evaluation(**changes: Any) -> dict[str, Any]:
    """The good evaluation with other entries; a path of names is joined with two underscores."""
    found = deepcopy(EVALUATION)
    for path, value in changes.items():
        *outer, last = path.split("__")
        place = found
        for name in outer:
            place = place[name]
        place[last] = value
    return found


def evidence(trial: Trial | None = TRIAL, fingerprint: str = FINGERPRINT, **changes: Any) -> Evidence:
    return Evidence(evaluation(**changes), fingerprint, trial)
