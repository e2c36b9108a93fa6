"""The policy file: what the default says, what is refused, and what makes a version."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.policies import a_policy, content

from mia.domain.event import Channel
from mia.domain.policy import Cap, CapScope, ContextWeight, ExplorationKind, Factor, QuietHours, Unanswered
from mia.errors import InvalidInput
from mia.offers.policy import build_policy, default_policy, default_text, load_policy, read_policy
from mia.ranking.exploration import POLICIES, build_exploration


def test_the_default_caps_explores_and_weighs_as_it_always_did() -> None:
    policy = default_policy()
    assert (policy.exploration.kind, policy.exploration.epsilon) == (ExplorationKind.EPSILON_UNIFORM, 0.1)
    assert policy.contact.caps == (Cap(CapScope.OFFER, 12, 30),)
    assert (policy.contact.after_decline_days, policy.contact.after_connection_days) == (30, 0)
    assert policy.contact.unanswered is None
    assert policy.contact.quiet == QuietHours(22 * 60, 8 * 60)
    assert policy.contact.outbound == {"whatsapp", "vk", "call_centre"}
    assert (policy.arbitration.factors, policy.arbitration.weights) == (frozenset(Factor), ())


def test_every_line_of_the_default_that_is_commented_out_is_valid() -> None:
    policy = a_policy(
        cooldowns={"after_unanswered": {"impressions": 6, "within_days": 60, "rest_days": 14}},
        arbitration={
            "context": [
                {"weight": 1.5, "channels": ["call_centre"], "categories": ["devices"]},
                {"weight": 0.8, "placements": ["banner"], "tags": ["video"]},
            ]
        },
    )
    assert policy.contact.unanswered == Unanswered(6, 60, 14)
    assert policy.arbitration.weights[1] == ContextWeight(
        0.8, placements=frozenset({"banner"}), tags=frozenset({"video"})
    )
    for line in (
        "after_unanswered: {impressions: 6",
        "weight: 1.5, channels: [call_centre]",
        "weight: 0.8, placements",
    ):
        assert line in default_text()


def test_the_kinds_are_those_that_there_are() -> None:
    assert {str(kind) for kind in ExplorationKind} == set(POLICIES)
    for kind in ExplorationKind:
        exploration = a_policy(exploration={"policy": str(kind), "epsilon": 0.2}).exploration
        built = build_exploration(exploration.kind, **exploration.parameters)
        assert (built.kind, built.epsilon) == (kind, 0.2)


def test_the_version_is_of_what_it_says_and_not_of_how() -> None:
    said = default_policy().version
    assert len(said) == 12
    plain = yaml.safe_dump(content(), sort_keys=True)
    assert read_policy(plain, file="x").version == said
    reordered = content(outbound={"channels": ["call_centre", "vk", "whatsapp"]})
    assert build_policy(reordered, file="x").version == said
    changes: list[dict[str, Any]] = [
        {"exploration": {"epsilon": 0.2}},
        {"outbound": {"channels": ["vk"]}},
        {"outbound": {"quiet_hours": None}},
        {"caps": []},
        {"cooldowns": {"after_decline_days": 31}},
        {"cooldowns": {"after_unanswered": {"impressions": 1, "within_days": 2, "rest_days": 1}}},
        {"arbitration": {"factors": {"acceptance": True, "value": True, "context": True, "priority": False}}},
        {"arbitration": {"context": [{"weight": 2}]}},
    ]
    assert len({said, *(a_policy(**change).version for change in changes)}) == len(changes) + 1


@pytest.mark.parametrize("minute", ["21:30", 21 * 60 + 30])
def test_a_time_may_stand_without_quotes(minute: object) -> None:
    assert yaml.safe_load("21:30") == 21 * 60 + 30
    assert a_policy(outbound={"quiet_hours": {"from": minute, "to": "8:00"}}).contact.quiet == QuietHours(1290, 480)


@pytest.mark.parametrize(
    ("sections", "path", "rule"),
    [
        ({"caps": None}, "caps", "missing"),
        ({"cap": []}, "cap", "unknown; there are exploration, outbound, caps, cooldowns, arbitration"),
        ({"caps": "offer"}, "caps", "must be a list"),
        (
            {"caps": [{"per": "offers", "at_most": 1, "within_days": 1}]},
            "caps[0].per",
            "must be one of offer, category",
        ),
        ({"caps": [{"per": "all", "at_most": 0, "within_days": 1}]}, "caps[0].at_most", "must be at least 1"),
        ({"caps": [{"per": "all", "at_most": 1.5, "within_days": 1}]}, "caps[0].at_most", "must be a whole number"),
        ({"caps": [{"per": "all", "at_most": 1, "within_days": True}]}, "caps[0].within_days", "whole number"),
        ({"caps": [{"per": "all", "at_most": 1}]}, "caps[0].within_days", "missing"),
        ({"caps": ["all"]}, "caps[0]", "must be a mapping"),
        ({"exploration": {"policy": "greedy"}}, "exploration.policy", "must be one of epsilon-uniform"),
        ({"exploration": {"epsilon": 1.1}}, "exploration.epsilon", "must be from 0 and up to 1"),
        ({"exploration": {"epsilon": float("nan")}}, "exploration.epsilon", "must be a number"),
        ({"exploration": {"temperature": 0}}, "exploration.temperature", "must be above 0 and up to 10"),
        ({"exploration": {"epsilom": 0.1}}, "exploration.epsilom", "unknown"),
        ({"outbound": {"channels": ["fax"]}}, "outbound.channels[0]", "must be one of app, web"),
        ({"outbound": {"channels": "vk"}}, "outbound.channels", "must be a list of words"),
        (
            {"outbound": {"quiet_hours": {"from": "25:00", "to": "8:00"}}},
            "outbound.quiet_hours.from",
            "time of the day",
        ),
        ({"outbound": {"quiet_hours": {"from": "8:00", "to": "8:00"}}}, "outbound.quiet_hours.to", "another time"),
        ({"outbound": {"quiet_hours": {"from": 1440, "to": "8:00"}}}, "outbound.quiet_hours.from", "time of the day"),
        ({"cooldowns": {"after_decline_days": -1}}, "cooldowns.after_decline_days", "must be at least 0"),
        (
            {"cooldowns": {"after_unanswered": {"impressions": 1, "within_days": 1, "rest_days": 2}}},
            "cooldowns.after_unanswered.rest_days",
            "must not be more than within_days",
        ),
        ({"arbitration": {"factors": {"value": True}}}, "arbitration.factors.acceptance", "missing"),
        ({"arbitration": {"context": [{"weight": -1}]}}, "arbitration.context[0].weight", "must be from 0"),
        ({"arbitration": {"context": [{"channels": ["app"]}]}}, "arbitration.context[0].weight", "missing"),
        ({"arbitration": {"context": [{"weight": 1, "tag": ["x"]}]}}, "arbitration.context[0].tag", "unknown"),
    ],
)
def test_what_is_broken_is_named_by_file_path_and_rule(sections: dict[str, Any], path: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        a_policy(**sections)
    assert (caught.value.file, caught.value.path) == ("policy.yaml", path)
    assert rule in caught.value.rule
    assert str(caught.value).startswith(f"policy.yaml, path {path}: ")


@pytest.mark.parametrize(
    ("text", "rule"),
    [(b"", "must be a mapping"), (b"a: [", "is not YAML"), (b"\xff", "UTF-8"), (b"- a", "must be a mapping")],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: bytes, rule: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(text)
    with pytest.raises(InvalidInput, match=rf"p\.yaml: .*{rule}"):
        load_policy(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_policy(tmp_path / "absent.yaml")


def test_a_word_of_a_channel_is_a_channel() -> None:
    assert a_policy(outbound={"channels": [str(channel) for channel in Channel]}).contact.outbound == set(Channel)
