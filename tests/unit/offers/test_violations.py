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
from mia.domain.policy import Cap, CapScope, ContactPolicy, QuietHours, Unanswered
from mia.offers.contact import history_of
from mia.offers.eligibility import Eligibility
from mia.offers.violations import Situation, broken_rules

CAPS = st.lists(st.builds(Cap, st.sampled_from(CapScope), st.integers(1, 4), st.sampled_from([2, 10])), max_size=4).map(
    tuple
)
POLICIES = st.builds(
    ContactPolicy,
    CAPS,
    st.sampled_from([0, 5]),
    st.sampled_from([0, 3]),
    st.sampled_from([None, Unanswered(2, 10, 4), Unanswered(1, 3, 3)]),
    st.sampled_from([frozenset(), frozenset({"app"}), frozenset({"web"})]),
    st.sampled_from([None, QuietHours(720, 780), QuietHours(1320, 480)]),
)
POLICY = ContactPolicy((Cap(CapScope.OFFER, 2, 10),), after_decline_days=5)
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
    category=st.sampled_from(["data", "voice"]),
    mandatory=st.booleans(),
)
links = st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"b"})])
past = st.lists(
    st.tuples(
        st.sampled_from([*IDS, "gone"]),
        st.sampled_from([*EventKind, *[EventKind.IMPRESSION] * 5]),
        st.integers(-12 * 24, 24),
        st.sampled_from(["app", "web"]),
    ),
    max_size=12,
)


@given(
    st.tuples(offers, offers, offers),
    links,
    links,
    past,
    st.sampled_from([None, "S", "M"]),
    st.sampled_from([0.0, 5.0, float("nan")]),
    st.sampled_from([None, "Kurgan", "Moscow"]),
    st.integers(0, 5),
    POLICIES,
    st.sampled_from([None, "", "app;web", "web"]),
    st.sampled_from([0, 479, 480, 720, 1439]),
)
def test_both_readings_forbid_the_same(
    fields, requires, excludes, events, tariff, data, region, total, policy, consent, minute
) -> None:
    made = [offer(name, **given) for name, given in zip(IDS, fields, strict=True)]
    made[2] = replace(made[2], requires=requires, excludes=excludes)
    responses = [
        Response(name, kind, AT + hours * DAY // 24, channel)
        for name, kind, hours, channel in sorted(events, key=lambda one: one[2])
    ]
    totals = {"a": total}
    who = profiles(
        1,
        numeric={"data_mb_30d": [data]},
        attributes={"tariff": [tariff], "region": [region], "consent_channels": [consent]},
    )
    eligibility = Eligibility(tuple(made), policy)
    history = history_of(responses, totals, eligibility.book, at=AT)
    found = eligibility.check(who, history, channel="app", on=ON, minute=minute)
    columns: dict[str, Any] = {"data_mb_30d": data, "tariff": tariff, "region": region, "consent_channels": consent}
    categories = {one.id: one.category for one in made}
    situation = Situation(columns, region, "app", responses, totals, AT, ON, minute, categories)
    dropped = found.dropped(0, made)
    for one in made:
        broken = broken_rules(one, situation, policy)
        assert bool(broken) == (one.id in dropped)
        # The masks name the first of the rules that the offer breaks.
        assert not broken or min(broken, key=list(Rule).index) == dropped[one.id]


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
    situation = Situation({"tariff": "S"}, "Kurgan", "app", (), {"a": 3}, AT, ON, 720, {})
    assert broken_rules(offer("a", **fields), situation, POLICY) == [rule]


def test_numbers_of_any_kind_are_compared() -> None:
    situation = Situation({"data_mb_30d": np.float64(7)}, None, "app", (), {}, AT, ON, 720, {})
    assert not broken_rules(offer("a", eligible_if=(Condition("data_mb_30d", Op.GT, 5),)), situation, POLICY)
