"""The fallback ladder: each step is named in the answer, ranks by what is left, and can be rebuilt."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.fakes.intake import SUBSCRIBER, write_csv
from tests.fakes.policies import put_policy
from tests.fakes.world import AS_OF, NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback, Rule
from mia.domain.offer import Condition, Limits, Op
from mia.domain.past import Past
from mia.errors import LedgerUnavailable
from mia.offers.catalogue import Catalogue
from mia.services.decide import Budget
from mia.timeline import date_of

KNOWN = "s0000001"


@pytest.fixture(scope="module")
def workspace(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("fallback")
    settings = world.settings(world.copy(folder))
    arms = settings.arms.model_copy(update={"control_share": 0.0})
    found = open_workspace(settings.model_copy(update={"arms": arms}))
    put_policy(found, folder, exploration={"epsilon": 0.0})
    yield found
    found.close()


@pytest.fixture
def opened(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace, whose decisions get back what a test takes away from them."""
    maker = workspace.decisions
    maker._is_reading = True
    kept = maker.live, maker._histories.ledger
    budgets = maker._score_within, maker._read_within, maker._look_within
    yield workspace
    maker._force.live, maker._histories.ledger = kept
    maker._score_within, maker._read_within, maker._look_within = budgets


def decide(opened: Workspace, subscriber_id: str, **fields: Any) -> Decision:
    (kept,) = opened.ledger.append_decisions(
        [opened.decisions.decide(DecisionRequest(subscriber_id, "app", NOON, **fields))]
    )
    assert opened.decisions.replay(kept.decision_id).differences == ()
    return kept


def come(opened: Workspace, folder: Path, subscriber_id: str, **fields: str) -> None:
    """A subscriber whose contract begins after the day of the snapshot."""
    row = {**SUBSCRIBER, "activated_on": date_of(AS_OF + 2).isoformat(), **fields}
    write_csv(folder / "subscribers.csv", [{**row, "subscriber_id": subscriber_id}])
    opened.ingest(folder / "subscribers.csv", table="subscribers")


def test_who_has_no_usage_has_a_profile_all_the_same(opened: Workspace) -> None:
    """Everybody whose contract has begun by the day of the snapshot is in it, with zeros where there are no records."""
    found = opened.profiles.find(str(opened.profiles.current()), KNOWN)
    people = pq.read_table(opened.lake.paths("subscribers"))
    begun = sum(day <= date_of(AS_OF) for day in people["activated_on"].to_pylist())
    assert found is not None
    assert opened.decisions.live.profiles is not None
    assert opened.decisions.live.profiles.rows == begun


def test_a_newcomer_is_ranked_by_attributes(opened: Workspace, tmp_path: Path) -> None:
    assert decide(opened, "new-1").fallback is Fallback.UNKNOWN_SUBSCRIBER
    come(opened, tmp_path, "new-1", region="Kurgan")
    assert decide(opened, "new-1").fallback is Fallback.UNKNOWN_SUBSCRIBER
    opened.decisions.reload()
    decision = decide(opened, "new-1", limit=50)
    assert decision.fallback is Fallback.NO_PROFILE
    assert decision.attributes is not None
    assert (decision.attributes["region"], decision.attributes["tenure_days"]) == ("Kurgan", 0.0)
    live = opened.decisions.live
    popular = dict(zip(live.table.places, live.rates.offer[-1].tolist(), strict=True))
    assert all(offer.acceptance != popular[offer.offer_id] for offer in decision.offers)
    assert opened.decisions.local_facts("new-1").region == "Kurgan"
    assert opened.decisions.local_facts("new-1").timezone == "Asia/Yekaterinburg"
    # What has to be known of usage is not: such offers are not shown, and those on attributes are.
    rules = opened.decisions.traced(decision.decision_id).decision.dropped
    wanted = {
        offer.id for offer in live.catalogue.offers if any(one.column == "data_mb_30d" for one in offer.eligible_if)
    }
    assert wanted
    assert {rules[offer_id] for offer_id in wanted} == {str(Rule.CONDITION)}


def test_a_newcomer_who_changes_is_rebuilt_as_it_was(opened: Workspace, tmp_path: Path) -> None:
    come(opened, tmp_path, "new-2", region="Kurgan")
    opened.decisions.reload()
    before = decide(opened, "new-2")
    come(opened, tmp_path, "new-2", region="Moscow")
    opened.decisions.reload()
    after = decide(opened, "new-2")
    assert (before.attributes or {})["region"] == "Kurgan"
    assert (after.attributes or {})["region"] == "Moscow"
    assert opened.decisions.replay(before.decision_id).differences == ()


def test_late_comers_with_an_early_contract_are_newcomers_too(opened: Workspace, tmp_path: Path) -> None:
    come(opened, tmp_path, "new-4", activated_on="2020-01-01")
    opened.decisions.reload()
    decision = decide(opened, "new-4")
    assert decision.fallback is Fallback.NO_PROFILE
    assert (decision.attributes or {})["tenure_days"] > 400


def test_a_newcomer_who_opted_out_is_not_personalised(opened: Workspace, tmp_path: Path) -> None:
    come(opened, tmp_path, "new-5", personalisation="false")
    opened.decisions.reload()
    assert decide(opened, "new-5").fallback is Fallback.OPTED_OUT


def test_a_stranger_gets_what_is_popular_in_the_region_of_the_request(opened: Workspace) -> None:
    live = opened.decisions.live
    ids = list(live.table.places)
    weight = live.table.value * live.table.priority
    orders = set()
    for region in (None, "Nowhere", *live.rates.regions):
        decision = decide(opened, "stranger", limit=50, region=region)
        assert decision.fallback is Fallback.UNKNOWN_SUBSCRIBER
        place = live.rates.regions.get(region or "")
        rate = live.rates.offer[-1] if place is None else live.rates.region[-1, place]
        shown = [ids.index(offer.offer_id) for offer in decision.offers]
        assert [offer.acceptance for offer in decision.offers] == rate[shown].tolist()
        assert (np.diff((rate * weight)[shown]) <= 0).all()
        orders.add(tuple(shown))
    assert len(orders) > 1


def with_offers(opened: Workspace, **changes: Any) -> None:
    """The catalogue in force, with one rule for all of its offers."""
    live, catalogue = opened.decisions.live, opened.catalogue()
    changed = Catalogue(catalogue.version, tuple(replace(offer, **changes) for offer in catalogue.offers))
    eligibility = replace(live.eligibility, offers=changed.offers)
    opened.decisions._force.live = replace(live, catalogue=changed, eligibility=eligibility)


def test_offers_of_the_region_of_the_request_are_open_to_a_stranger(opened: Workspace) -> None:
    with_offers(opened, regions=frozenset({"Kurgan"}), eligible_if=())

    def ask(region: str | None) -> Decision:
        return opened.decisions.decide(DecisionRequest("stranger", "app", NOON, region=region))

    assert ask("Kurgan").offers
    for region in (None, "Moscow"):
        assert (ask(region).offers, ask(region).empty_reason) == ((), "eligibility")


class Slow:
    """A model that does not answer before it is told to."""

    def __init__(self, model: Any) -> None:
        self.model, self.go = model, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def score(self, pairs: Any) -> Any:
        self.go.wait()
        return self.model.score(pairs)


def test_a_scorer_slower_than_its_budget_is_left_behind(opened: Workspace) -> None:
    maker = opened.decisions
    quick = decide(opened, KNOWN)
    maker._score_within = Budget(0.01).run
    live, slow = maker.live, Slow(maker.live.model)
    maker._force.live = replace(live, model=slow)  # type: ignore[arg-type]
    decisions = [decide(opened, KNOWN) for _ in range(3)]
    assert {decision.fallback for decision in decisions} == {Fallback.MODEL_SLOW}
    popular = dict(zip(live.table.places, live.rates.offer[-1].tolist(), strict=True))
    for decision in decisions:
        assert [popular[offer.offer_id] for offer in decision.offers] == [one.acceptance for one in decision.offers]
    slow.go.set()
    maker._score_within = Budget(60.0).run
    again = decide(opened, KNOWN)
    assert again.fallback is None
    assert [one.acceptance for one in again.offers] == [one.acceptance for one in quick.offers]


class Gone:
    """A ledger that hangs, or is away."""

    def __init__(self, ledger: Any, *, hangs: bool) -> None:
        self.ledger, self.hangs, self.go = ledger, hangs, threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    def pasts(self, *given: Any, **named: Any) -> list[Past]:
        if not self.hangs:
            raise LedgerUnavailable("away")
        self.go.wait()
        found: list[Past] = self.ledger.pasts(*given, **named)
        return found

    def find_decisions(self, *given: Any) -> list[Decision]:
        if not self.hangs:
            raise LedgerUnavailable("away")
        self.go.wait()
        found: list[Decision] = self.ledger.find_decisions(*given)
        return found


@pytest.mark.parametrize("hangs", [True, False])
def test_without_the_ledger_offers_that_need_a_history_rest(opened: Workspace, hangs: bool, caplog: Any) -> None:
    maker, catalogue = opened.decisions, opened.catalogue()
    first, second, third, *others = catalogue.offers
    bound = (
        replace(first, limits=Limits(total=10**6)),
        replace(second, requires=frozenset({third.id})),
        replace(third, excludes=frozenset({first.id})),
        *others,
    )
    live = maker.live
    maker._force.live = replace(
        live, catalogue=Catalogue(catalogue.version, bound), eligibility=replace(live.eligibility, offers=bound)
    )
    maker._histories.ledger = gone = Gone(opened.ledger, hangs=hangs)
    maker._read_within = Budget(0.01 if hangs else 60.0).run
    for _ in range(3):
        decision = maker.decide(DecisionRequest(KNOWN, "app", NOON, limit=50))
        assert (decision.fallback, decision.ledger_position) == (Fallback.LEDGER_UNAVAILABLE, 0)
        assert decision.offers
        assert {first.id, second.id, third.id} <= set(decision.dropped)
    assert caplog.text.count("cannot be read") == 1
    gone.go.set()


@pytest.mark.parametrize("hangs", [True, False])
def test_decisions_that_events_name_are_not_waited_for(opened: Workspace, hangs: bool) -> None:
    maker, kept = opened.decisions, decide(opened, KNOWN)
    stored = opened.ledger.decision(kept.decision_id)
    assert maker.find_decisions([kept.decision_id, "nothing"]) == {kept.decision_id: stored}
    maker._histories.ledger = gone = Gone(opened.ledger, hangs=hangs)
    maker._look_within = Budget(0.01 if hangs else 60.0).run
    for _ in range(3):
        with pytest.raises(LedgerUnavailable):
            maker.find_decisions([kept.decision_id])
    gone.go.set()


def test_an_empty_answer_says_which_stage_dropped_the_last_offer(opened: Workspace) -> None:
    never = Condition("tenure_days", Op.LT, 0)
    for changes, stage in (
        ({"valid_to": date_of(1)}, "validity"),
        ({"channels": frozenset({"call_centre"})}, "channel"),
        ({"eligible_if": (never,)}, "eligibility"),
        ({"limits": Limits(total=0), "eligible_if": ()}, "budget"),
    ):
        live = opened.decisions.live
        with_offers(opened, **changes)
        decision = opened.decisions.decide(DecisionRequest(KNOWN, "app", NOON))
        assert (decision.offers, decision.empty_reason) == ((), stage)
        opened.decisions._force.live = live
    assert decide(opened, KNOWN).empty_reason is None
