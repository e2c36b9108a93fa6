from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.fakes.world import World

from mia.bootstrap import open_workspace
from mia.errors import GateRefused, UnknownModel
from mia.evaluation.gate import Thresholds
from mia.services.promote import EVALUATION, promote
from mia.settings import Settings

THRESHOLDS = Thresholds(minimum_positives=200, minimum_auc_gain=0.0, maximum_calibration_error=0.02)
GOOD: dict[str, Any] = {
    "positives": 300.0,
    "auc_gain_over_popular": {"value": 0.1, "low": 0.05, "high": 0.15},
    "champion": None,
    "table": {"mia": {"calibration_error": 0.01}},
    "fingerprint": "f1",
}


class Shelf:
    """A registry of one version, whose evaluation is given."""

    def __init__(self, folder: Path, evaluation: Mapping[str, Any]) -> None:
        (folder / EVALUATION).write_bytes(orjson.dumps(evaluation))
        self.folder, self.live, self.verdicts = folder, None, []

    def fetch(self, version: str) -> Path:
        if version != "4":
            raise UnknownModel(version)
        return self.folder

    def promote(self, version: str, verdict: Mapping[str, Any]) -> None:
        self.live = version
        self.verdicts.append(verdict)

    def champion(self) -> str | None:
        return self.live

    def refuse(self, version: str, verdict: Mapping[str, Any]) -> None:
        self.verdicts.append(verdict)


def test_a_good_candidate_goes_live_with_its_verdict(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, GOOD)
    verdict = promote("4", registry=shelf, thresholds=THRESHOLDS, fingerprint="f1")
    assert verdict.passed
    assert shelf.live == "4"
    assert shelf.verdicts == [verdict.to_json()]


BAD_GAIN = {"value": 0.1, "low": -0.01, "high": 0.2}


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"positives": 10.0}, ["positives"]),
        ({"auc_gain_over_popular": BAD_GAIN}, ["over popular"]),
        ({"auc_gain_over_popular": {"value": None, "low": None, "high": None}}, ["over popular"]),
        ({"table": {"mia": {"calibration_error": 0.5}}}, ["calibration"]),
        ({"fingerprint": "f0"}, ["feature schema"]),
        ({"champion": {"version": "3", "auc_gain": BAD_GAIN}}, ["over champion"]),
        ({"positives": 0.0, "fingerprint": "f0"}, ["positives", "feature schema"]),
    ],
)
def test_a_bad_one_is_refused_with_reasons(tmp_path: Path, change: dict[str, Any], reasons: list[str]) -> None:
    shelf = Shelf(tmp_path, GOOD | change)
    with pytest.raises(GateRefused) as caught:
        promote("4", registry=shelf, thresholds=THRESHOLDS, fingerprint="f1")
    assert len(caught.value.reasons) == len(reasons)
    for told, reason in zip(caught.value.reasons, reasons, strict=True):
        assert reason in told
        assert reason in str(caught.value)
    assert shelf.live is None
    (verdict,) = shelf.verdicts
    assert verdict["passed"] is False
    assert sum(not check["passed"] for check in verdict["checks"]) == len(reasons)


def test_a_champion_that_is_hardly_better_may_be_replaced(tmp_path: Path) -> None:
    gain = {"value": 0.0, "low": -0.004, "high": 0.01}
    shelf = Shelf(tmp_path, GOOD | {"champion": {"version": "3", "auc_gain": gain}})
    promote("4", registry=shelf, thresholds=THRESHOLDS, fingerprint="f1")
    assert shelf.live == "4"


def test_an_unknown_version_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        promote("5", registry=Shelf(tmp_path, GOOD), thresholds=THRESHOLDS, fingerprint="f1")


def test_the_real_gate_keeps_its_verdict_with_the_version(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    candidate = opened.registry.register(folder=opened.registry.fetch("1"), parameters={}, metrics={}, tags={})
    assert [(one.version, one.champion) for one in opened.registry.versions()] == [(candidate, False), ("1", True)]
    opened.close()
    strict = open_workspace(Settings(home=opened.home, threads=1))
    with pytest.raises(GateRefused, match="positives in the evaluation window is 75, asked >= 200"):
        strict.promote(candidate)
    assert strict.registry.champion() == "1"
    assert {one.version: one.tags["gate"] for one in strict.registry.versions()} == {
        candidate: "refused",
        "1": "passed",
    }
    strict.close()
    lenient = open_workspace(world.settings(opened.home))
    assert lenient.promote(candidate).passed
    assert lenient.registry.champion() == candidate
    assert lenient.newest_versions().model == candidate
    assert lenient.version("champion") == candidate
    with pytest.raises(UnknownModel):
        lenient.promote("99")
    lenient.close()
