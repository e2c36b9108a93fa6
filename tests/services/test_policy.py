"""The policy in force: kept by version, taken over while serving, and read back for old decisions."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.policies import a_policy, put_policy
from tests.fakes.world import NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Rule
from mia.errors import InvalidInput, NotEnoughData
from mia.offers.policy import default_policy, default_text
from mia.storage.policies import POLICY

OLD = "epsilon-uniform-0.1;cap=12/30d;decline=30d"


@pytest.fixture
def opened(world: World, tmp_path: Path):
    found = open_workspace(world.settings(world.copy(tmp_path)))
    yield found
    found.close()


def ask(opened: Workspace, subscriber_id: str = "s0000001", **fields: Any) -> Decision:
    request = DecisionRequest(subscriber_id, fields.pop("channel", "app"), NOON, **fields)
    (kept,) = opened.ledger.append_decisions([opened.decisions.decide(request)])
    return kept


def test_a_load_keeps_the_default_and_a_set_one_takes_its_place(opened: Workspace, tmp_path: Path) -> None:
    assert opened.lake.noted(POLICY) == opened.policy().version == default_policy().version
    assert opened.policy_text() == default_text()
    fresh = put_policy(opened, tmp_path, caps=[{"per": "all", "at_most": 2, "within_days": 7}])
    assert opened.policy() == opened.policy(fresh.version) == fresh
    assert opened.policy(default_policy().version) == default_policy()
    before = len(opened.lake.files(POLICY))
    put_policy(opened, tmp_path)
    assert (opened.policy(), len(opened.lake.files(POLICY))) == (default_policy(), before)
    with pytest.raises(NotEnoughData, match="no policy 0123456789ab"):
        opened.policy("0123456789ab")


def test_a_broken_one_is_refused_and_the_old_one_stays(opened: Workspace, tmp_path: Path) -> None:
    fresh = put_policy(opened, tmp_path, exploration={"epsilon": 0.05})
    with pytest.raises(InvalidInput, match=r"policy\.yaml, path exploration\.epsilon"):
        put_policy(opened, tmp_path, exploration={"epsilon": 5})
    assert opened.policy() == fresh
    assert opened.newest_versions().policy == fresh.version


def test_a_new_one_takes_effect_while_serving(opened: Workspace, tmp_path: Path) -> None:
    before = ask(opened)
    assert before.offers
    fresh = put_policy(opened, tmp_path, outbound={"channels": ["app"], "quiet_hours": {"from": "0:00", "to": "23:59"}})
    opened.decisions.reload()
    after = ask(opened)
    assert (before.versions.policy, after.versions.policy) == (default_policy().version, fresh.version)
    assert after.offers == ()
    assert {Rule.QUIET_HOURS, Rule.CONSENT} & {*map(Rule, after.dropped.values())}
    for decision in (before, after):
        assert opened.decisions.replay(decision.decision_id).rebuilt == decision


def test_policies_that_were_names_are_read_back(opened: Workspace) -> None:
    maker = opened.decisions
    maker._force.newest = lambda: replace(opened.newest_versions(), policy=OLD)
    maker.reload()
    found = maker.live.eligibility.contact
    assert found.caps == default_policy().contact.caps
    assert (found.after_decline_days, found.outbound, found.quiet) == (30, frozenset(), None)
    kept = ask(opened, channel="vk")
    assert kept.versions.policy == OLD
    assert maker.replay(kept.decision_id).differences == ()
    maker._histories.ledger = _Holding(opened.ledger, replace(kept, offers=kept.offers[1:]))
    assert maker.replay(kept.decision_id).differences == ("offers",)


class _Holding:
    """The ledger, with one decision as it is given."""

    def __init__(self, ledger: Any, decision: Decision) -> None:
        self._ledger, self._decision = ledger, decision

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def decision(self, decision_id: str) -> Decision:
        return self._decision


def test_factors_and_weights_steer_the_order(opened: Workspace, tmp_path: Path) -> None:
    people = [f"s{number:07d}" for number in range(1, 30)]
    offers = {offer.id: offer for offer in opened.catalogue().offers}
    category = next(iter(offers.values())).category
    factors = {"acceptance": True, "value": False, "context": True, "priority": False}
    weights = [{"weight": 1000, "categories": [category], "placements": ["main"]}]
    arbitration = {"factors": factors, "context": weights}
    put_policy(opened, tmp_path, exploration={"epsilon": 0.0}, arbitration=arbitration)
    assert opened.policy() == a_policy(exploration={"epsilon": 0.0}, arbitration=arbitration)
    first = 0
    for subscriber_id in people:
        plain, weighted = ask(opened, subscriber_id), ask(opened, subscriber_id, placement="main")
        for offer in plain.offers:
            assert offer.expected_value == offer.acceptance
        for offer in weighted.offers:
            weight = 1000 if offers[offer.offer_id].category == category else 1
            assert offer.expected_value == offer.acceptance * weight
        if any(offers[offer.offer_id].category == category for offer in weighted.offers):
            assert offers[weighted.offers[0].offer_id].category == category
            first += 1
    assert first > 10
