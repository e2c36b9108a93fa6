"""A stored decision can be rebuilt after everything that it depended on has moved on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.policies import put_policy
from tests.fakes.profiles import profiles_of_day
from tests.fakes.world import AS_OF, NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback, RankedOffer, Rule
from mia.domain.event import Event, EventKind
from mia.domain.offer import Language
from mia.errors import FeatureMismatch, LedgerUnavailable, UnknownDecision, UnknownSnapshot
from mia.ports import ChampionChange
from mia.settings import ArmSettings, ProfileSettings
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS


def ask(opened: Workspace, subscriber_id: str, **fields: Any) -> Decision:
    request = DecisionRequest(subscriber_id, "app", NOON, **fields)
    (kept,) = opened.ledger.append_decisions([opened.decisions.decide(request)])
    return kept


@pytest.fixture
def home(world: World, tmp_path: Path) -> Path:
    return world.copy(tmp_path)


@pytest.fixture
def opened(world: World, home: Path):
    found = open_workspace(world.settings(home))
    yield found
    found.close()


def subscribers(opened: Workspace) -> list[str]:
    people = profiles_of_day(opened.builder, opened.current_offers(), AS_OF)
    chosen = people.subscriber_ids[:25].tolist()
    return [*chosen, *people.subscriber_ids[people.attributes["personalisation"] == 0].tolist(), "nobody"]


def personalised(opened: Workspace) -> str:
    """A subscriber whose best offer comes with reasons."""
    for subscriber_id in subscribers(opened):
        decision = opened.decisions.decide(DecisionRequest(subscriber_id, "app", NOON))
        if decision.offers[0].reasons and not decision.explored:
            return subscriber_id
    raise AssertionError("nobody gets reasons")


def make_everything_newer(world: World, opened: Workspace, folder: Path) -> None:
    """Another champion, catalogue and snapshot, and later events of the same people."""
    offers = yaml.safe_load((world.source / "catalogue.yaml").read_text("utf-8"))["offers"]
    changed = [offer | {"price": 1.0, "value": 500.0 - place} for place, offer in enumerate(offers)]
    (folder / "offers.yaml").write_text(yaml.safe_dump({"offers": changed}), "utf-8")
    opened.ingest(folder / "offers.yaml")
    opened.refresh(AS_OF + 10)
    again = opened.registry.register(folder=opened.registry.fetch("1"), parameters={}, metrics={}, tags={})
    opened.registry.make_champion(ChampionChange(again, 0, "tests", "gate"))
    people = subscribers(opened)
    opened.ledger.append_events(
        [
            Event(
                f"later {place} {subscriber_id}",
                NOON - DAY,
                subscriber_id,
                offer["id"],
                EventKind.CONNECTION,
                "app",
                AS_OF,
                "mia",
            )
            for place, offer in enumerate(offers)
            for subscriber_id in people[place % 3 :: 3]
        ]
    )


def test_decisions_come_back_the_same_after_everything_became_newer(
    world: World, opened: Workspace, home: Path, tmp_path: Path
) -> None:
    people = subscribers(opened)
    stored: list[Decision] = []
    # Chance decides which are explored; one of each sort is all it takes.
    while len(stored) < 2 * len(people) or len({decision.explored for decision in stored}) < 2:
        place, subscriber_id = len(stored), people[len(stored) % len(people)]
        language = list(Language)[place % 2]
        stored.append(ask(opened, subscriber_id, limit=1 + place % 5, language=language, context={"page": place}))
    assert {decision.fallback for decision in stored} == {None, Fallback.OPTED_OUT, Fallback.UNKNOWN_SUBSCRIBER}
    assert any(offer.reasons for decision in stored for offer in decision.offers)
    make_everything_newer(world, opened, tmp_path)
    opened.close()
    settings = world.settings(home).model_copy(
        update={
            "arms": ArmSettings(salt="another experiment", control_share=0.5),
        }
    )
    later = open_workspace(settings)
    caps = [{"per": "offer", "at_most": 1, "within_days": 90}, {"per": "all", "at_most": 5, "within_days": 1}]
    put_policy(later, tmp_path, exploration={"epsilon": 0.9}, caps=caps, cooldowns={"after_decline_days": 90})
    fresh = later.decisions.versions
    for decision in stored:
        found = later.decisions.replay(decision.decision_id)
        assert found.differences == ()
        assert found.rebuilt == found.stored == decision
        for one, other in zip(
            (fresh.model, fresh.catalogue, fresh.profile, fresh.policy),
            (decision.versions.model, decision.versions.catalogue, decision.versions.profile, decision.versions.policy),
            strict=True,
        ):
            assert one != other
    later.close()


@pytest.mark.parametrize("kind", ["plackett-luce", "optimistic"])
def test_policies_that_explore_replay_and_sum_up(opened: Workspace, tmp_path: Path, kind: str) -> None:
    exploration = {"policy": kind, "epsilon": 0.5, "temperature": 1.5, "optimism": 2.0}
    version = put_policy(opened, tmp_path, exploration=exploration).version
    later = open_workspace(opened.settings)
    assert later.decisions.versions.policy == version
    stored = [
        ask(later, subscriber_id, limit=1 + 9 * (place % 2)) for place, subscriber_id in enumerate(subscribers(later))
    ]
    for decision in stored:
        assert later.decisions.replay(decision.decision_id).differences == ()
        for offer in decision.offers:
            assert 0 < offer.propensity < 1 or len(decision.offers) == 1
    # In first place of the same subscriber each offer has its own chance, and the offers' chances sum to 1 at most.
    chances = {offer.offer_id: offer.propensity for d in stored[:1] for offer in d.offers if offer.position == 1}
    assert 0 < sum(chances.values()) <= 1
    later.close()


class Tampering:
    """The ledger, in which one decision has been changed."""

    def __init__(self, ledger: Any, **changes: Any) -> None:
        self.ledger, self.changes = ledger, changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    def decision(self, decision_id: str) -> Decision:
        return replace(self.ledger.decision(decision_id), **self.changes)


def a_little_more(offers: tuple[RankedOffer, ...], field: str) -> tuple[RankedOffer, ...]:
    return (replace(offers[0], **{field: getattr(offers[0], field) + 1e-12}), *offers[1:])


def test_what_was_tampered_with_is_noticed(opened: Workspace) -> None:
    subscriber_id = personalised(opened)
    kept = next(kept for kept in iter(lambda: ask(opened, subscriber_id), None) if not kept.explored)
    first, second, third = kept.offers
    swapped = (replace(second, position=1), replace(first, position=2), third)
    fallen = next(
        offer_id
        for offer_id, rule in opened.decisions.traced(kept.decision_id).decision.dropped.items()
        if rule == Rule.RANK
    )
    tampered = {
        "offers": [
            swapped,
            kept.offers[:2],
            (replace(first, offer_id=fallen), second, third),
            (replace(first, reasons=()), second, third),
            *(a_little_more(kept.offers, field) for field in ("acceptance", "expected_value", "propensity")),
        ],
        "explored": [not kept.explored],
        "seed": [kept.seed + 1],
        "empty_reason": ["contact"],
        "fallback": [Fallback.OPTED_OUT, Fallback.NO_MODEL],
    }
    maker = opened.decisions
    for field, values in tampered.items():
        for value in values:
            maker._histories.ledger = Tampering(opened.ledger, **{field: value})
            assert maker.replay(kept.decision_id).differences == (field,), (field, value)
    for field, value in (("arm", "control"), ("ledger_position", 0), ("fallback", Fallback.MODEL_FAILED)):
        maker._histories.ledger = Tampering(opened.ledger, **{field: value})
        assert "offers" in maker.replay(kept.decision_id).differences, field
    maker._histories.ledger = opened.ledger
    assert maker.replay(kept.decision_id).differences == ()


@pytest.mark.parametrize("failure", ["loading", "scoring", "ledger"])
def test_what_had_failed_is_taken_as_failed_again(opened: Workspace, failure: str) -> None:
    subscriber_id = personalised(opened)
    maker = opened.decisions
    whole, ledger, model = maker._force.live, maker._histories.ledger, maker._force.live.model

    class Failing:
        def __getattr__(self, name: str) -> Any:
            raise LedgerUnavailable("away") if failure == "ledger" else RuntimeError("away")

    match failure:
        case "loading":
            maker._force.live = replace(whole, model=None, without_model=Fallback.MODEL_FAILED)
        case "scoring":
            maker._force.live = replace(whole, model=Failing())  # type: ignore[arg-type]
        case "ledger":
            maker._histories.ledger = Failing()
    decision = maker.decide(DecisionRequest(subscriber_id, "app", NOON))
    maker._force.live, maker._histories.ledger = whole, ledger
    expected = Fallback.LEDGER_UNAVAILABLE if failure == "ledger" else Fallback.MODEL_FAILED
    assert decision.fallback is expected
    ledger.append_decisions([decision])
    assert maker._force.live.model is model
    found = maker.replay(decision.decision_id)
    assert found.differences == ()
    assert found.rebuilt == decision


def test_a_decision_whose_profiles_were_pruned_says_so(world: World, opened: Workspace, home: Path) -> None:
    kept = ask(opened, personalised(opened))
    opened.close()
    later = open_workspace(world.settings(home).model_copy(update={"profiles": ProfileSettings(keep_snapshots=1)}))
    later.refresh(AS_OF + 1)
    with pytest.raises(UnknownSnapshot, match=f"{kept.versions.profile}.*was pruned.*keep_snapshots"):
        later.decisions.replay(kept.decision_id)
    fresh = ask(later, kept.request.subscriber_id)
    assert later.decisions.replay(fresh.decision_id).differences == ()
    later.close()


def test_profiles_of_other_features_are_refused_when_they_come(opened: Workspace, caplog: Any) -> None:
    subscriber_id = personalised(opened)
    before = ask(opened, subscriber_id)
    fitted = opened.profiles.fingerprint(str(before.versions.profile))
    people = [part.profiles for part in opened.builder.of_day(opened.current_offers(), AS_OF)]
    history = opened.profiles.history(str(before.versions.profile))
    other = opened.profiles.publish(AS_OF, people, history, "other features")
    maker = opened.decisions
    maker.reload()
    assert (maker.snapshot, maker.model_version) == (other, None)
    for named in (fitted, "other features", other):
        assert named in caplog.text
    after = ask(opened, subscriber_id)
    assert (before.fallback, after.fallback) == (None, Fallback.FEATURE_MISMATCH)
    for decision in (before, after):
        assert maker.replay(decision.decision_id).differences == ()
    mixed = replace(before.versions, profile=other)
    maker._histories.ledger = Tampering(opened.ledger, versions=mixed)
    with pytest.raises(FeatureMismatch, match=f"{fitted}.*other features"):
        maker.replay(before.decision_id)


def test_an_unknown_decision_cannot_be_rebuilt(opened: Workspace) -> None:
    with pytest.raises(UnknownDecision):
        opened.decisions.replay("never taken")
