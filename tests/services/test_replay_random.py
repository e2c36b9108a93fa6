"""A thousand random decisions, taken while everything changes, all come back as they were."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.fakes.intake import SUBSCRIBER, write_csv
from tests.fakes.profiles import profiles_of_day
from tests.fakes.world import AS_OF, NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback, Rule
from mia.domain.event import Channel, Event, EventKind
from mia.domain.offer import Language
from mia.errors import InvalidInput, UnknownOffer
from mia.ports import ChampionChange
from mia.ranking.calibration import Calibration
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

DAY = DAY_SECONDS * MICROSECONDS
EPOCHS, EACH = 10, 100
POLICIES = (
    "epsilon-uniform-0.1;cap=12/30d;decline=30d",
    "epsilon-uniform-0.5;cap=1/7d;decline=3d",
    "plackett-luce-0.3,0.5;cap=2/30d;decline=30d",
    "optimistic-0.5,0.5,1.0;cap=12/30d;decline=1d",
)


class Operator:
    """An operator on whose workspace decisions are asked for, and who changes one thing after the other."""

    def __init__(self, world: World, opened: Workspace, folder: Path) -> None:
        self.opened, self.folder, self.rng = opened, folder, np.random.default_rng(20)
        self.offers = yaml.safe_load((world.source / "catalogue.yaml").read_text("utf-8"))["offers"]
        self.people = profiles_of_day(opened.builder, opened.current_offers(), AS_OF)
        self.policy = POLICIES[0]
        opened.decisions._force.newest = lambda: replace(opened.newest_versions(), policy=self.policy)

    def change(self, epoch: int) -> None:
        (self.change_model, self.change_profiles, self.change_catalogue, self.change_policy)[epoch % 4](epoch)
        self.opened.decisions.reload()
        assert self.opened.decisions.trouble is None

    def change_model(self, epoch: int) -> None:
        found = LightGBMRanker.load(self.opened.registry.fetch("1"))
        other = LightGBMRanker(found._boosters, found.schema, Calibration(-0.01 * epoch, 1.0 + 0.01 * epoch))
        folder = self.folder / f"model-{epoch}"
        folder.mkdir()
        other.save(folder)
        version = self.opened.registry.register(folder=folder, parameters={}, metrics={}, tags={})
        self.opened.registry.make_champion(ChampionChange(version, 0, "tests", "gate"))

    def change_profiles(self, epoch: int) -> None:
        store, day = self.opened.profiles, AS_OF + epoch
        current = str(store.current())
        numeric = (self.people.numeric * (1 + 0.01 * epoch)).astype(np.float32)
        people = replace(self.people, as_of=np.full(len(self.people), day), numeric=numeric)
        store.publish(day, [people], store.history(current), store.fingerprint(current))
        begun = date_of(day + 1).isoformat()
        path = self.folder / f"subscribers-{epoch}.csv"
        write_csv(path, [{**SUBSCRIBER, "subscriber_id": f"new-{epoch}", "activated_on": begun}])
        self.opened.ingest(path, table="subscribers")

    def change_catalogue(self, epoch: int) -> None:
        offers = [offer | {"value": offer.get("value", 1.0) + epoch} for offer in self.offers[epoch // 4 :]]
        path = self.folder / f"offers-{epoch}.yaml"
        path.write_text(yaml.safe_dump({"offers": offers}), "utf-8")
        self.opened.ingest(path)

    def change_policy(self, epoch: int) -> None:
        self.policy = POLICIES[1 + epoch // 4 % 3]

    def ask(self, number: int) -> Decision:
        rng = self.rng
        strangers = [f"new-{rng.integers(10)}", f"stranger {number}"]
        chosen = self.people.subscriber_ids[int(rng.integers(20))]
        request = DecisionRequest(
            str(chosen if rng.random() < 0.8 else strangers[int(rng.integers(2))]),
            str(rng.choice(list(Channel))),
            NOON + int(rng.integers(20 * DAY)),
            placement=[None, "top"][int(rng.integers(2))],
            limit=int(rng.integers(1, 8)),
            language=list(Language)[int(rng.integers(2))],
            context=[{}, {"balance": float(rng.random()), "page": "home"}][int(rng.integers(2))],
            region=[None, "Kurgan", "Nowhere"][int(rng.integers(3))],
        )
        return self.opened.decisions.decide(request)

    def answer(self, decision: Decision) -> None:
        """What the subscriber does with the first offer."""
        if decision.offers:
            first = decision.offers[0].offer_id
            kinds = [EventKind.IMPRESSION, EventKind.CONNECTION, EventKind.DECLINE, EventKind.DISCONNECTION]
            kind = kinds[int(self.rng.choice(4, p=[0.6, 0.2, 0.15, 0.05]))]
            asked = decision.request
            event = Event(decision.decision_id, asked.at, asked.subscriber_id, first, kind, "app", AS_OF, "mia")
            self.opened.ledger.append_events([event])


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("random"))))
    yield found
    found.close()


@pytest.fixture(scope="module")
def taken(world: World, opened: Workspace, tmp_path_factory: pytest.TempPathFactory) -> list[Decision]:
    """The decisions as they were taken, losers included."""
    operator = Operator(world, opened, tmp_path_factory.mktemp("changes"))
    made = []
    for epoch in range(EPOCHS):
        operator.change(epoch)
        for number in range(EACH):
            decision = operator.ask(number)
            opened.ledger.append_decisions([decision])
            operator.answer(decision)
            made.append(decision)
    return made


def test_the_decisions_are_of_all_kinds(taken: list[Decision]) -> None:
    assert len(taken) == 1_000
    assert len({decision.versions for decision in taken}) == EPOCHS
    for part in ("model", "catalogue", "profile", "policy"):
        assert len({getattr(decision.versions, part) for decision in taken}) >= 3, part
    wanted = {None, Fallback.NO_PROFILE, Fallback.UNKNOWN_SUBSCRIBER, Fallback.OPTED_OUT}
    assert {decision.fallback for decision in taken} >= wanted - {Fallback.OPTED_OUT}
    assert {decision.explored for decision in taken} == {True, False}
    assert {decision.arm for decision in taken} == {"mia", "control"}
    rules = {rule for decision in taken for rule in decision.dropped.values()}
    assert rules >= {Rule.CHANNEL, Rule.CONDITION, Rule.CONNECTED, Rule.DECLINED, Rule.SEEN_TOO_OFTEN, Rule.RANK}


def test_all_come_back_identically(opened: Workspace, taken: list[Decision]) -> None:
    for decision in taken:
        found = opened.decisions.replay(decision.decision_id)
        assert found.differences == ()
        assert found.stored == found.rebuilt == decision
        assert (found.stored.stages, dict(found.stored.dropped)) == ((), {})
        assert (found.rebuilt.stages, found.rebuilt.dropped) == (decision.stages, decision.dropped)


def test_every_loser_can_be_asked_for(opened: Workspace, taken: list[Decision]) -> None:
    said: dict[str, str] = {}
    for decision in taken[::10]:
        found = opened.decisions.replay(decision.decision_id)
        for offer_id, dropped in decision.dropped.items():
            rule, figures = found.why(offer_id)
            assert rule == dropped
            assert figures or rule is Rule.CONNECTED
            said[rule] = figures
        if decision.offers:
            with pytest.raises(InvalidInput, match="was shown, at position 1"):
                found.why(decision.offers[0].offer_id)
    assert "times within" in said[Rule.SEEN_TOO_OFTEN]
    assert "days ago, it rests for" in said[Rule.DECLINED]
    assert "asked for on" in said[Rule.CHANNEL]
    with pytest.raises(UnknownOffer):
        found.why("never heard of")


def test_a_loser_by_rank_is_told_its_place_and_its_score(opened: Workspace, taken: list[Decision]) -> None:
    plain = (one for one in taken if not one.explored and one.fallback is None and one.arm == "mia" and one.offers)
    decision = next(one for one in plain if Rule.RANK in one.dropped.values())
    found = opened.decisions.replay(decision.decision_id)
    losers = {offer for offer, rule in decision.dropped.items() if rule == Rule.RANK}
    last, count = decision.offers[-1], len(decision.offers) + len(losers)
    places = set()
    for offer_id in losers:
        _, figures = found.why(offer_id)
        places.add(int(figures.split()[1]))
        assert f"of {count} by its score of " in figures
        shown = f"{last.offer_id}, has {last.expected_value:.4g} (acceptance {last.acceptance:.4g})"
        assert figures.endswith(f"the last of the {len(decision.offers)} shown, {shown}")
    assert places == set(range(len(decision.offers) + 1, count + 1))


def test_a_trace_holds_the_losers_as_long_as_the_versions_are_there(
    opened: Workspace, taken: list[Decision], monkeypatch: Any
) -> None:
    decision = taken[-1]
    found = opened.decisions.traced(decision.decision_id)
    assert found.incomplete is None
    assert (found.decision.stages, found.decision.dropped) == (decision.stages, decision.dropped)
    gone = replace(decision.versions, profile="2021-01-01.9")
    kept = opened.ledger.decision
    monkeypatch.setattr(opened.ledger, "decision", lambda one: replace(kept(one), versions=gone))
    found = opened.decisions.traced(decision.decision_id)
    assert found.incomplete is not None
    assert "2021-01-01.9" in found.incomplete
    assert (found.decision.offers, found.decision.stages, dict(found.decision.dropped)) == (decision.offers, (), {})
    monkeypatch.setattr(opened.ledger, "decision", lambda one: replace(kept(one), seed=1))
    assert "differs" in str(opened.decisions.traced(decision.decision_id).incomplete)
