"""Each check has its colours: what is found, at and beyond the bounds."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.evaluation.gate.evidence import (
    GOOD_GAIN,
    LOST,
    SLICE,
    SMALL,
    TRIAL,
    UNKNOWN,
    UNSURE,
    evidence,
)

from mia.evaluation.gate import CHECKS, Colour, GateLimits, Limit, Verdict, judge

LIMITS = GateLimits()
NAN_GAIN = {"value": None, "low": None, "high": None}


def colours(**changes: Any) -> dict[str, str]:
    """Colours that are not green, by the name of the check."""
    verdict = judge(evidence(**changes), LIMITS)
    return {check.name: check.colour.value for check in verdict.checks if check.colour is not Colour.GREEN}


def test_good_evidence_is_green_all_over() -> None:
    verdict = judge(evidence(), LIMITS)
    assert (verdict.colour, verdict.passed, verdict.failed, verdict.warnings) == (Colour.GREEN, True, [], [])
    assert len(verdict.checks) == len(CHECKS)
    assert len({check.name for check in verdict.checks}) == len(CHECKS)


@pytest.mark.parametrize(
    ("changes", "name", "colour"),
    [
        ({"positives": 199.0}, "positives", "red"),
        ({"positives": 200.0}, "positives", "amber"),
        ({"positives": 399.0}, "positives", "amber"),
        ({"auc_gain_over_popular": {"value": 0.1, "low": 0.0, "high": 0.2}}, "over popular", "red"),
        ({"auc_gain_over_popular": NAN_GAIN}, "over popular", "red"),
        ({"gains_over_reference__auc": LOST}, "AUC gain over champion 3", "red"),
        ({"gains_over_reference__auc": UNSURE}, "AUC gain over champion 3", "amber"),
        ({"gains_over_reference__auc": UNKNOWN}, "AUC gain over champion 3", "red"),
        ({"gains_over_reference__ndcg_at_3": LOST}, "NDCG@3 gain over champion 3", "red"),
        ({"gains_over_reference__log_loss": LOST}, "log loss", "red"),
        ({"table__mia__calibration_error": 0.0101}, "expected calibration error", "amber"),
        ({"table__mia__calibration_error": 0.0201}, "expected calibration error", "red"),
        ({"table__mia__calibration_error": None}, "expected calibration error", "red"),
        ({"calibration__deviation": 0.2}, "calibration slope", "amber"),
        ({"calibration__deviation": 0.4}, "calibration slope", "red"),
        ({"calibration__slope": None}, "calibration slope", "amber"),
        ({"policy_gain__snips": LOST}, "off-policy value", "red"),
        ({"policy_gain__snips": UNSURE | {"value": -0.1}}, "off-policy value", "amber"),
        ({"policy_gain__snips": None}, "off-policy value", "grey"),
        ({"policy_gain__snips": LOST, "policies__mia__effective_size": 150.0}, "off-policy value", "grey"),
        ({"slices": [SLICE, SLICE | {"auc_gain": LOST}]}, "worst slice", "red"),
        ({"slices": [SLICE, SLICE | {"auc_gain": UNSURE | {"value": -0.05}}]}, "worst slice", "amber"),
        ({"slices": [SMALL]}, "worst slice", "amber"),
        ({"fingerprint": "f0"}, "feature schema", "red"),
        ({"drift__weighted": 0.3}, "drift", "amber"),
        ({"drift__weighted": 3.0}, "drift", "red"),
        ({"drift": None}, "drift", "amber"),
        ({"trial": replace(TRIAL, ratio=5.0)}, "times the yardstick", "amber"),
        ({"trial": replace(TRIAL, ratio=50.0)}, "times the yardstick", "red"),
        ({"trial": replace(TRIAL, microseconds=1e6)}, "microseconds", "red"),
        ({"trial": replace(TRIAL, failed=1, why="model_failed")}, "the model failed on", "red"),
        ({"trial": replace(TRIAL, violations=("music to s1 against expired",))}, "against a rule", "red"),
    ],
)
def test_each_check_has_its_colour(changes: dict[str, Any], name: str, colour: str) -> None:
    found = colours(**changes)
    (told,) = found
    assert name in told
    assert found[told] == colour


def test_without_anybody_to_rehearse_with_the_gate_warns() -> None:
    assert set(colours(trial=None).values()) == {"amber"}
    assert len(colours(trial=None)) == 4


def test_dr_is_trusted_before_snips() -> None:
    verdict = judge(evidence(policy_gain={"snips": LOST, "dr": GOOD_GAIN}), LIMITS)
    (check,) = (check for check in verdict.checks if "off-policy" in check.name)
    assert (check.colour, "by DR" in check.note) == (Colour.GREEN, True)


def test_a_loss_to_the_popular_order_in_log_loss_only_warns() -> None:
    reference = {"name": "popular", "rows": 1, "positives": 1.0, "note": "there is no champion to compare with"}
    found = colours(reference=reference, gains_over_reference__log_loss=LOST)
    assert list(found.values()) == ["amber"]


def test_many_slices_must_lose_more_to_be_red() -> None:
    """By itself the loss is proven; among sixty slices it may be chance."""
    loss = {"value": -0.04, "low": -0.078, "high": -0.002, "spread": 0.0195}
    alone = colours(slices=[SLICE | {"auc_gain": loss}])
    among = colours(slices=[SLICE | {"auc_gain": loss}, *[SLICE] * 59])
    assert (list(alone.values()), list(among.values())) == (["red"], ["amber"])


def test_an_evaluation_from_before_the_gate_grew_warns_but_does_not_refuse() -> None:
    found = evidence()
    old = {
        name: found.evaluation[name]
        for name in ("positives", "auc_gain_over_popular", "table", "policies", "fingerprint", "champion")
    }
    verdict = judge(replace(found, evaluation=old), LIMITS)
    assert verdict.colour is Colour.AMBER


def test_the_verdict_is_told_in_words_and_comes_back_from_json() -> None:
    verdict = judge(evidence(positives=10.0, drift__weighted=0.3, table__mia__calibration_error=None), LIMITS)
    assert not verdict.passed
    assert verdict.reasons == (
        "red: positives in the evaluation window; red: expected calibration error; amber: drift of the training window"
    )
    assert verdict.failed[0] == "positives in the evaluation window is 10, asked >= 200"
    told = verdict.to_json()
    assert (told["passed"], told["colour"]) == (False, "red")
    again = Verdict.from_json(told)
    assert again.to_json() == told


@pytest.mark.parametrize("bounds", [(-0.1, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_limits_out_of_order_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="0 <= amber <= red"):
        Limit(*bounds)
