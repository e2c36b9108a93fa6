"""Newer versions come into force warm, or not at all."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.world import NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback
from mia.ports import ChampionChange
from mia.ranking.rankers.lightgbm import LightGBMRanker

KNOWN = [f"s{number:07d}" for number in range(1, 30)]


class Watched:
    """A model that counts what it is asked."""

    def __init__(self, model: LightGBMRanker) -> None:
        self.model, self.asked = model, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def score(self, pairs: Any) -> Any:
        self.asked += 1
        return self.model.score(pairs)


class Failing(Watched):
    """A model that loads, and then fails on every request."""

    def score(self, pairs: Any) -> Any:
        raise RuntimeError("not on this request either")


class Operator:
    """A workspace whose next model is ours."""

    def __init__(self, opened: Workspace) -> None:
        self.opened, self.maker = opened, opened.decisions
        self.loaded: list[str] = []
        self.next: Any = Watched
        self.folder = opened.registry.fetch("1")
        loader = replace(self.maker._sets._load.__self__, load_model=self.load)  # type: ignore[attr-defined]
        self.maker._sets._load = loader.load

    def load(self, version: str) -> Any:
        self.loaded.append(version)
        return self.next(LightGBMRanker.load(self.folder))

    def promote(self) -> str:
        version = self.opened.registry.register(folder=self.folder, parameters={}, metrics={}, tags={})
        self.opened.registry.make_champion(ChampionChange(version, 0, "tests", "gate"))
        return version

    def decide(self, subscriber_id: str) -> Decision:
        return self.maker.decide(DecisionRequest(subscriber_id, "app", NOON))


@pytest.fixture
def operator(world: World, tmp_path: Any) -> Iterator[Operator]:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    yield Operator(opened)
    opened.close()


def test_the_first_set_is_warm_once_it_has_answered(operator: Operator) -> None:
    assert not operator.maker.is_warm
    before = operator.opened.ledger.decisions_count()
    operator.maker.warm()
    assert operator.maker.is_warm
    assert operator.opened.ledger.decisions_count() == before


def test_a_newer_model_has_answered_the_latest_requests_before_it_takes_any(operator: Operator) -> None:
    for subscriber_id in KNOWN:
        operator.decide(subscriber_id)
    version = operator.promote()
    assert operator.decide(KNOWN[0]).versions.model == "1"
    operator.maker.reload()
    assert operator.loaded == [version]
    model: Any = operator.maker.live.model
    assert model.asked > 5
    asked = model.asked
    served = [operator.decide(one) for one in KNOWN]
    assert {decision.versions.model for decision in served} == {version}
    assert model.asked == asked + sum(one.arm == "mia" and one.fallback is None for one in served)
    assert operator.loaded == [version]


def test_a_model_that_fails_on_requests_stays_out_and_is_tried_again_later(operator: Operator) -> None:
    now = [NOON]
    operator.maker._force._clock = lambda: now[0]
    for subscriber_id in KNOWN:
        operator.decide(subscriber_id)
    operator.next = Failing
    version = operator.promote()
    for _ in range(3):
        operator.maker.reload()
    assert operator.loaded == [version]
    assert operator.maker.model_version == "1"
    assert operator.maker.trouble == f"model {version} fails; model 1 stays in force"
    assert {operator.decide(one).fallback for one in KNOWN} <= {None, Fallback.OPTED_OUT}
    operator.next = Watched
    operator.maker._sets._kept.clear()
    now[0] += 15_000_000
    operator.maker.reload()
    assert (operator.maker.model_version, operator.maker.trouble) == (version, None)


def test_a_model_that_cannot_be_loaded_leaves_the_present_one(operator: Operator) -> None:
    def broken(_: object) -> Any:
        raise OSError("cut short")

    operator.next = broken
    operator.promote()
    operator.maker.reload()
    assert operator.maker.model_version == "1"
    assert operator.decide(KNOWN[0]).fallback in (None, Fallback.OPTED_OUT)


def test_the_way_back_loads_nothing(operator: Operator) -> None:
    version = operator.promote()
    operator.maker.reload()
    operator.opened.registry.make_champion(ChampionChange("1", 0, "tests", "rollback"))
    operator.maker.reload()
    assert operator.maker.model_version == "1"
    assert operator.loaded == [version]


def test_many_replays_leave_the_snapshot_in_force_open(operator: Operator) -> None:
    """What others hold open stays usable when the store lets it go, and is not opened twice."""
    store, live = operator.opened.profiles, operator.maker.live
    reader = live.profiles
    store._open.clear()
    assert operator.decide(KNOWN[0]).fallback in (None, Fallback.OPTED_OUT)
    assert store.find(str(live.versions.profile), KNOWN[0]) is not None
    assert store.reader(str(live.versions.profile)) is reader
