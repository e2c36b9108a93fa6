import pytest

from mia.evaluation.gate import CHAMPION_MARGIN, Evidence, Thresholds, judge

THRESHOLDS = Thresholds(minimum_positives=200, minimum_auc_gain=0.01, maximum_calibration_error=0.02)
GOOD = {
    "positives": 200.0,
    "auc_gain_over_popular": 0.02,
    "auc_gain_over_champion": None,
    "calibration_error": 0.02,
    "fingerprint_matches": True,
}
NAN = float("nan")


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, ()),
        ({"positives": 199.0}, ("positives",)),
        ({"auc_gain_over_popular": 0.01}, ("over popular",)),
        ({"auc_gain_over_popular": NAN}, ("over popular",)),
        ({"calibration_error": 0.0201}, ("calibration",)),
        ({"calibration_error": NAN}, ("calibration",)),
        ({"fingerprint_matches": False}, ("feature schema",)),
        ({"auc_gain_over_champion": -CHAMPION_MARGIN / 2}, ()),
        ({"auc_gain_over_champion": -CHAMPION_MARGIN}, ("over champion",)),
        ({"auc_gain_over_champion": NAN}, ("over champion",)),
        ({"positives": 0.0, "calibration_error": 1.0}, ("positives", "calibration")),
    ],
)
def test_each_check_refuses_by_name(change, failed):
    verdict = judge(Evidence(**(GOOD | change)), THRESHOLDS)
    assert verdict.passed == (not failed)
    assert len(verdict.failed) == len(failed)
    for name, line in zip(failed, verdict.failed, strict=True):
        assert name in line
        assert "asked" in line


def test_a_verdict_tells_every_check():
    told = judge(Evidence(**(GOOD | {"auc_gain_over_champion": 0.1})), THRESHOLDS).to_json()
    assert told["passed"] is True
    assert [check["name"] for check in told["checks"]] == [
        "positives in the evaluation window",
        "AUC gain over popular (lower end)",
        "expected calibration error",
        "feature schema matches the profiles",
        "AUC gain over champion (lower end)",
    ]
    assert {check["passed"] for check in told["checks"]} == {True}
