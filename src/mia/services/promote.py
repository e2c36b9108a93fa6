"""Promote: judge a candidate by its stored evaluation, and let it go live or refuse it."""

from typing import Any

import orjson

from mia.errors import GateRefused
from mia.evaluation.gate import Evidence, Thresholds, Verdict, judge
from mia.ports import Registry

EVALUATION = "evaluation.json"


def promote(version: str, *, registry: Registry, thresholds: Thresholds, fingerprint: str) -> Verdict:
    """Run the gate on a version and set the champion alias; the verdict is stored with the version either way.

    `fingerprint` is that of the profiles it would serve. Raises UnknownModel, and GateRefused with the failed checks.
    """
    evaluation: dict[str, Any] = orjson.loads((registry.fetch(version) / EVALUATION).read_bytes())
    champion = evaluation["champion"]
    verdict = judge(
        Evidence(
            positives=evaluation["positives"],
            auc_gain_over_popular=_figure(evaluation["auc_gain_over_popular"]["low"]),
            auc_gain_over_champion=None if champion is None else _figure(champion["auc_gain"]["low"]),
            calibration_error=_figure(evaluation["table"]["mia"]["calibration_error"]),
            fingerprint_matches=evaluation["fingerprint"] == fingerprint,
        ),
        thresholds,
    )
    if not verdict.passed:
        registry.refuse(version, verdict.to_json())
        raise GateRefused(version, verdict.failed, registry.champion())
    registry.promote(version, verdict.to_json())
    return verdict


def _figure(value: float | None) -> float:
    """JSON knows no NaN: what could not be measured is kept as null, and passes no check."""
    return float("nan") if value is None else value
