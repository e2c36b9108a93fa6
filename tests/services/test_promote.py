from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.fakes.world import LENIENT, World
from tests.unit.evaluation.gate.evidence import FINGERPRINT, TRIAL, evaluation

from mia.bootstrap import open_workspace
from mia.errors import GateRefused, InvalidInput, NotEnoughData, UnknownModel
from mia.evaluation.gate import GateLimits
from mia.ports import ChampionChange
from mia.services.promote import EVALUATION, Promoter, read_card, roll_back
from mia.settings import Settings

NOW = 1_625_140_800_000_000


class Shelf:
    """A registry of versions 3, 4 and 5, whose evaluation is given."""

    def __init__(self, folder: Path, found: Mapping[str, Any]) -> None:
        (folder / EVALUATION).write_bytes(orjson.dumps(found))
        self.folder, self.changes = folder, []
        self.verdicts: list[Mapping[str, Any]] = []
        self.files: dict[str, bytes] = {}

    def fetch(self, version: str) -> Path:
        if version not in ("3", "4", "5"):
            raise UnknownModel(version)
        return self.folder

    def champion(self) -> str | None:
        return self.changes[-1].version if self.changes else None

    def champions(self) -> list[ChampionChange]:
        return list(self.changes)

    def make_champion(self, change: ChampionChange) -> None:
        self.changes.append(change)

    def judge(self, version: str, verdict: Mapping[str, Any]) -> None:
        self.verdicts.append(verdict)
        self.files["gate.json"] = orjson.dumps(verdict)

    def attach(self, version: str, files: Mapping[str, str]) -> None:
        self.files |= {name: text.encode() for name, text in files.items()}

    def attached(self, version: str, name: str) -> bytes | None:
        return self.files.get(name)


def promoter(shelf: Shelf, trial=lambda _: TRIAL) -> Promoter:
    return Promoter(shelf, GateLimits(), FINGERPRINT, trial, lambda: NOW)


def test_a_good_candidate_goes_live_with_its_verdict_table_and_plot(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    done = promoter(shelf).promote("4", by="ana")
    assert (done.verdict.passed, done.override) == (True, None)
    assert shelf.changes == [ChampionChange("4", NOW, "ana", "gate", "")]
    assert shelf.verdicts == [{**done.verdict.to_json(), "by": "ana", "at": NOW, "override": None}]
    assert set(shelf.files) == {"gate.json", "gate.csv", "slices.svg", "card.html"}
    assert shelf.files["gate.csv"].decode().splitlines()[0] == "name,colour,found,asked,amber,red,note"
    assert len(shelf.files["gate.csv"].decode().splitlines()) == 1 + len(done.verdict.checks)


def test_judging_says_the_same_and_leaves_nothing_behind(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    verdict = promoter(shelf).judge("4")
    assert (shelf.changes, shelf.verdicts, shelf.files) == ([], [], {})
    assert verdict == promoter(shelf).promote("4", by="ana").verdict


def test_amber_passes_with_its_warning(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation(positives=300.0))
    done = promoter(shelf).promote("4", by="ana")
    assert [str(line) for line in done.verdict.warnings] == ["positives in the evaluation window is 300, asked >= 200"]
    assert shelf.champion() == "4"
    assert shelf.changes[-1].reason == "amber: positives in the evaluation window"


def test_a_bad_one_is_refused_with_reasons_and_its_card_says_so(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation(positives=10.0, drift__weighted=9.0))
    with pytest.raises(GateRefused) as caught:
        promoter(shelf).promote("4", by="ana")
    assert [reason.split(" is ")[0] for reason in caught.value.reasons] == [
        "positives in the evaluation window",
        "drift of the training window",
    ]
    assert shelf.changes == []
    assert shelf.verdicts[0]["passed"] is False
    assert b"refused</span>" in shelf.files["card.html"]


def test_an_override_lets_it_go_live_and_is_kept_with_who_and_when(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation(positives=10.0))
    done = promoter(shelf).promote("4", by="ana", override=" the window was short ")
    assert done.override == "the window was short"
    assert shelf.changes == [ChampionChange("4", NOW, "ana", "override", "the window was short")]
    assert shelf.verdicts[0] | {"checks": []} == {
        "passed": False,
        "colour": "red",
        "reasons": "red: positives in the evaluation window",
        "checks": [],
        "by": "ana",
        "at": NOW,
        "override": "the window was short",
    }
    assert b"the window was short" in read_card(shelf, "4")


def test_an_override_that_was_not_needed_is_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    assert promoter(shelf).promote("4", by="ana", override="to be sure").override is None
    assert shelf.changes[-1].how == "gate"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_an_override_needs_a_reason(tmp_path: Path, reason: str) -> None:
    shelf = Shelf(tmp_path, evaluation())
    with pytest.raises(InvalidInput, match="option --override: needs a reason"):
        promoter(shelf).promote("4", by="ana", override=reason)
    assert shelf.verdicts == []


def test_what_the_rehearsal_finds_refuses(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    broken = TRIAL.__class__(300.0, 0.6, 200, 0, "", ("music to s1 against expired",))
    with pytest.raises(GateRefused, match="offers shown against a rule is 1, asked <= 0"):
        promoter(shelf, lambda _: broken).promote("4", by="ana")


def test_an_unknown_version_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        promoter(Shelf(tmp_path, evaluation())).promote("9", by="ana")


def back(shelf: Shelf, to: str | None = None, require=lambda _: None) -> ChampionChange:
    return roll_back(shelf, to=to, by="ana", clock=lambda: NOW, require=require)


def test_rollbacks_go_back_and_not_to_and_fro(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    for version in ("3", "4", "5"):
        shelf.make_champion(ChampionChange(version, 1, "ana", "gate"))
    assert back(shelf) == ChampionChange("4", NOW, "ana", "rollback", "back from 5")
    assert back(shelf).version == "3"
    with pytest.raises(NotEnoughData, match="no champion before"):
        back(shelf)
    assert back(shelf, to="5").version == "5"
    assert back(shelf).version == "3"


def test_a_rollback_only_goes_to_what_was_champion_and_can_serve(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, evaluation())
    for version in ("3", "4"):
        shelf.make_champion(ChampionChange(version, 1, "ana", "gate"))
    with pytest.raises(InvalidInput, match="model 5 was never champion"):
        back(shelf, to="5")
    with pytest.raises(InvalidInput, match="model 4 is champion already"):
        back(shelf, to="4")

    def refuse(version: str) -> None:
        raise UnknownModel(version)

    with pytest.raises(UnknownModel):
        back(shelf, require=refuse)
    assert shelf.champion() == "4"


def test_the_real_gate_keeps_its_verdict_with_the_version(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)), user=lambda: "ana")
    candidate = opened.registry.register(folder=opened.registry.fetch("1"), parameters={}, metrics={}, tags={})
    assert [(one.version, one.champion) for one in opened.registry.versions()] == [(candidate, False), ("1", True)]
    opened.close()
    strict = open_workspace(Settings(home=opened.home, threads=1), user=lambda: "ana")
    with pytest.raises(GateRefused, match="positives in the evaluation window is 74, asked >= 200"):
        strict.promote(candidate)
    assert strict.registry.champion() == "1"
    tags = {one.version: one.tags for one in strict.registry.versions()}
    assert (tags[candidate]["gate"], tags["1"]["gate"]) == ("refused", "passed")
    assert tags[candidate]["gate_colour"] == "red"
    assert "red: positives in the evaluation window" in tags[candidate]["gate_reasons"]
    strict.close()
    lenient = open_workspace(world.settings(opened.home), user=lambda: "ana")
    done = lenient.promote(candidate)
    assert lenient.registry.champion() == candidate
    assert lenient.newest_versions().model == candidate
    assert lenient.version("champion") == candidate
    # The rehearsal took place: every decision was personalised, and none was against a rule.
    shown = next(check for check in done.verdict.checks if check.name == "offers shown against a rule")
    assert (shown.found, shown.note) == (0.0, f"in {LENIENT.rehearsed_subscribers} rehearsed decisions")
    assert lenient.roll_back().version == "1"
    assert [(one.version, one.by, one.how) for one in lenient.registry.champions()][1:] == [
        (candidate, "ana", "gate"),
        ("1", "ana", "rollback"),
    ]
    card = lenient.card("champion").decode()
    assert "<title>Model 1:" in card
    with pytest.raises(UnknownModel):
        lenient.promote("99")
    with pytest.raises(UnknownModel):
        lenient.card("99")
    lenient.close()


def test_without_profiles_nothing_is_rehearsed(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    opened.profiles.current = lambda: None
    assert opened.rehearse("1") is None
    opened.close()
