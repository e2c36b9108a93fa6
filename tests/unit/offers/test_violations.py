"""The second reading of the rules agrees with the masks on whatever comes."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import DAY, offer, profiles

from mia.domain.decision import Rule
from mia.domain.event import EventKind, Response
from mia.domain.offer import Condition, Limits, Op
from mia.offers.contact import ContactPolicy, history_of
from mia.offers.eligibility import Eligibility
from mia.offers.violations import Situation, broken_rules

POLICY = ContactPolicy(impression_cap=2, impression_window_days=10, decline_cooldown_days=5)
ON = date(2021, 3, 14)
AT = 18_700 * DAY + DAY // 2
IDS = ("a", "b", "c")

conditions = st.builds(
    Condition,
    st.sampled_from(["data_mb_30d", "tariff", "absent"]),
    st.sampled_from([Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE]),
    st.sampled_from([0.0, 5.0, "S"]),
) | st.one_of(
    st.builds(Condition, st.just("tariff"), st.sampled_from([Op.IN, Op.NOT_IN]), st.just(["S", "L"])),
    st.builds(Condition, st.just("data_mb_30d"), st.just(Op.BETWEEN), st.just([1.0, 6.0])),
    st.builds(Condition, st.sampled_from(["tariff", "absent"]), st.just(Op.IS_NULL), st.booleans()),
)
offers = st.builds(
    lambda **fields: fields,
    valid_from=st.sampled_from([None, ON, date(2021, 3, 15)]),
    valid_to=st.sampled_from([None, ON, date(2021, 3, 13)]),
    channels=st.sampled_from([frozenset(), frozenset({"app"}), frozenset({"web"})]),
    regions=st.sampled_from([frozenset(), frozenset({"Kurgan"}), frozenset({"Moscow"})]),
    eligible_if=st.lists(conditions, max_size=2).map(tuple),
    limits=st.builds(Limits, st.sampled_from([None, 1, 2]), st.sampled_from([None, 3])),
)
links = st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"b"})])
past = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(EventKind), st.integers(-12 * 24, 24)), max_size=12)


@given(
    st.tuples(offers, offers, offers),
    links,
    links,
    past,
    st.sampled_from([None, "S", "M"]),
    st.sampled_from([0.0, 5.0, float("nan")]),
    st.sampled_from([None, "Kurgan", "Moscow"]),
    st.integers(0, 5),
)
def test_both_readings_forbid_the_same(fields, requires, excludes, events, tariff, data, region, total) -> None:
    made = [offer(name, **given) for name, given in zip(IDS, fields, strict=True)]
    made[2] = replace(made[2], requires=requires, excludes=excludes)
    responses = [
        Response(name, kind, AT + hours * DAY // 24) for name, kind, hours in sorted(events, key=lambda one: one[2])
    ]
    totals = {"a": total}
    who = profiles(1, numeric={"data_mb_30d": [data]}, attributes={"tariff": [tariff], "region": [region]})
    history = history_of(responses, totals, made, POLICY, at=AT)
    passed = Eligibility(tuple(made), POLICY).check(who, history, channel="app", on=ON).passed[0]
    columns: dict[str, Any] = {"data_mb_30d": data, "tariff": tariff, "region": region}
    situation = Situation(columns, region, "app", responses, totals, AT, ON)
    assert [not broken_rules(one, situation, POLICY) for one in made] == passed.tolist()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"valid_to": date(2021, 3, 13)}, Rule.EXPIRED),
        ({"valid_from": date(2021, 3, 15)}, Rule.NOT_YET_VALID),
        ({"channels": frozenset({"web"})}, Rule.CHANNEL),
        ({"regions": frozenset({"Moscow"})}, Rule.REGION),
        ({"eligible_if": (Condition("tariff", Op.EQ, "M"),)}, Rule.CONDITION),
        ({"requires": frozenset({"b"})}, Rule.REQUIRES),
        ({"limits": Limits(total=3)}, Rule.TOTAL_LIMIT),
    ],
)
def test_a_broken_rule_is_named(fields: dict[str, Any], rule: Rule) -> None:
    situation = Situation({"tariff": "S"}, "Kurgan", "app", (), {"a": 3}, AT, ON)
    assert broken_rules(offer("a", **fields), situation, POLICY) == [rule]


def test_numbers_of_any_kind_are_compared() -> None:
    situation = Situation({"data_mb_30d": np.float64(7)}, None, "app", (), {}, AT, ON)
    assert not broken_rules(offer("a", eligible_if=(Condition("data_mb_30d", Op.GT, 5),)), situation, POLICY)
