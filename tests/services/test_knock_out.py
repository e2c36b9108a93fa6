"""Knock-out: rankings without a factor, against rankings made by hand."""

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.policies import put_policy
from tests.fakes.world import NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import DecisionRequest
from mia.services.decide import Knocked

WEIGHTS = [{"weight": 6, "categories": ["music", "games"], "channels": ["app"]}]


@pytest.fixture
def opened(world: World, tmp_path: Path):
    found = open_workspace(world.settings(world.copy(tmp_path)))
    put_policy(found, tmp_path, exploration={"epsilon": 0.0}, arbitration={"context": WEIGHTS})
    yield found
    found.close()


def by_factor(found: Knocked) -> dict[str, Any]:
    return {one.factor: one for one in found.factors}


def test_rankings_change_as_they_do_when_the_policy_has_the_factor_off(opened: Workspace, tmp_path: Path) -> None:
    people = [f"s{number:07d}" for number in range(20)]
    kept = [
        one
        for one in people
        if str(opened.arms.arm_of(one)) == "mia" and opened.decisions.decide(asked(one)).fallback is None
    ]
    opened.ledger.append_decisions([opened.decisions.decide(asked(one)) for one in kept])
    steps: list[tuple[str, int, int]] = []
    found = opened.knock_out("1", progress=lambda *step: steps.append(step))
    assert (found.source, found.requests, found.empty) == ("logged decisions", len(kept), 0)
    assert steps[-1][1:] == (len(kept), len(kept))
    whole = {one: shown(opened, one) for one in kept}
    offers = opened.catalogue()
    for factor, lost in by_factor(found).items():
        switches = dict.fromkeys(("acceptance", "value", "context", "priority"), True) | {factor: False}
        arbitration = {"factors": switches, "context": WEIGHTS}
        put_policy(opened, tmp_path, exploration={"epsilon": 0.0}, arbitration=arbitration)
        opened.decisions.reload()
        other = {one: shown(opened, one) for one in kept}
        assert lost.is_on
        assert lost.top_changed == pytest.approx(mean(whole[one][0] != other[one][0] for one in kept))
        assert lost.top_3_changed == pytest.approx(mean({*whole[one][:3]} != {*other[one][:3]} for one in kept))
        moved = [mean(abs(place - other[one].index(offer)) for place, offer in enumerate(whole[one])) for one in kept]
        assert lost.displacement == pytest.approx(mean(moved))
        earned = [
            sum(acceptance[offer] * offers.offer(offer).value * sign for offer in order[:3])
            for one in kept
            for acceptance in [dict(scores(opened, one))]
            for sign, order in ((1, whole[one]), (-1, other[one]))
        ]
        assert lost.margin_lost == pytest.approx(sum(earned) / len(kept))
    assert found.to_json()["factors"][1]["factor"] == "value"
    assert any(lost.top_changed for lost in found.factors)


def asked(subscriber_id: str) -> DecisionRequest:
    return DecisionRequest(subscriber_id, "app", NOON, limit=50)


def shown(opened: Workspace, subscriber_id: str) -> list[str]:
    return [offer.offer_id for offer in opened.decisions.decide(asked(subscriber_id)).offers]


def scores(opened: Workspace, subscriber_id: str) -> list[tuple[str, float]]:
    return [(one.offer_id, one.acceptance) for one in opened.decisions.decide(asked(subscriber_id)).offers]


def mean(values: Any) -> float:
    found = [float(value) for value in values]
    return sum(found) / len(found)


def test_without_logged_decisions_subscribers_are_ranked_and_what_is_off_loses_nothing(
    opened: Workspace, tmp_path: Path
) -> None:
    factors = {"acceptance": True, "value": True, "context": False, "priority": True}
    put_policy(opened, tmp_path, arbitration={"factors": factors, "context": WEIGHTS})
    found = opened.knock_out("1")
    assert found.source == "subscribers"
    assert found.requests > 100
    # Nobody is asked in an outbound channel without consent.
    assert found.empty > 0
    off = by_factor(found)["context"]
    assert (off.is_on, off.top_changed, off.displacement, off.margin_lost) == (False, 0.0, 0.0, 0.0)
    # Ordered by margin, nothing in the first place earns more on its own than without that factor.
    assert by_factor(found)["value"].margin_lost > 0
