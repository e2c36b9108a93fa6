from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import offer, profiles

from mia.domain.decision import Rule
from mia.domain.offer import Condition, Limits, Offer, Op
from mia.domain.policy import Cap, CapScope, ContactPolicy, QuietHours, Unanswered
from mia.offers.contact import ContactHistory, no_history
from mia.offers.eligibility import RULES, Eligibility

ON = date(2021, 3, 10)
POLICY = ContactPolicy(
    (
        Cap(CapScope.ALL, 40, 7),
        Cap(CapScope.OFFER, 3, 30),
        Cap(CapScope.CHANNEL, 20, 1),
        Cap(CapScope.CATEGORY, 10, 7),
    ),
    after_decline_days=10,
    after_connection_days=5,
    unanswered=Unanswered(4, 30, 7),
    outbound=frozenset({"vk"}),
    quiet=QuietHours(22 * 60, 8 * 60),
)
BASE = offer("base")
SCOPES = tuple(str(cap.per) for cap in POLICY.caps)


def verdict(
    one: Offer,
    others: tuple[Offer, ...] = (BASE,),
    channel: str | None = "app",
    people: Any = None,
    minute: int | None = 12 * 60,
    **history: Any,
) -> str | None:
    """The rule that drops the offer for one subscriber; history columns are [this offer, *others]."""
    offers = (one, *others)
    eligibility = Eligibility(offers, POLICY)
    known = no_history(1, eligibility.book, {})
    shown = {
        scope: np.asarray(history.pop(f"of_{scope}", counts[0]))
        for scope, counts in zip(SCOPES, known.shown, strict=True)
    }
    known = replace(
        known,
        shown=tuple(counts.reshape(1, -1) for counts in shown.values()),
        **{name: np.asarray(values).reshape(getattr(known, name).shape) for name, values in history.items()},
    )
    people = profiles(attributes={"region": ["Kurgan"]}) if people is None else people
    found = eligibility.check(people, known, channel=channel, on=ON, minute=minute)
    assert found.passed[0, 0] == (one.id not in found.dropped(0, offers))
    return found.dropped(0, offers).get(one.id)


def test_an_offer_without_rules_passes() -> None:
    assert verdict(offer("x")) is None


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"valid_from": date(2021, 3, 11)}, Rule.NOT_YET_VALID),
        ({"valid_from": ON, "valid_to": ON}, None),
        ({"valid_to": date(2021, 3, 9)}, Rule.EXPIRED),
        ({"channels": frozenset({"web"})}, Rule.CHANNEL),
        ({"channels": frozenset({"web", "app"})}, None),
        ({"regions": frozenset({"Rostov"})}, Rule.REGION),
        ({"regions": frozenset({"Kurgan"})}, None),
        ({"eligible_if": (Condition("data_mb_30d", Op.GT, 0.0),)}, Rule.CONDITION),
        ({"eligible_if": (Condition("data_mb_30d", Op.GE, 0.0),)}, None),
        ({"eligible_if": (Condition("data_mb_30d", Op.GE, 0), Condition("sms_count_7d", Op.GT, 1))}, Rule.CONDITION),
        ({"eligible_if": (Condition("no_such_column", Op.EQ, 1),)}, Rule.CONDITION),
        ({"requires": frozenset({"base"})}, Rule.REQUIRES),
    ],
)
def test_rules_of_the_offer_and_the_subscriber(fields: dict[str, Any], rule: Rule | None) -> None:
    assert verdict(offer("x", **fields)) == rule


@pytest.mark.parametrize(
    ("fields", "history", "rule"),
    [
        ({"requires": frozenset({"base"})}, {"connected": [False, True]}, None),
        ({"excludes": frozenset({"base"})}, {"connected": [False, True]}, Rule.EXCLUDES),
        ({"excludes": frozenset({"base"})}, {"connected": [False, False]}, None),
        ({}, {"connected": [True, False]}, Rule.CONNECTED),
        ({"limits": Limits(per_subscriber=2)}, {"connections": [2.0, 0.0]}, Rule.SUBSCRIBER_LIMIT),
        ({"limits": Limits(per_subscriber=2)}, {"connections": [1.0, 9.0]}, None),
        ({"limits": Limits(total=100)}, {"total_connections": [100.0, 0.0]}, Rule.TOTAL_LIMIT),
        ({"limits": Limits(total=100)}, {"total_connections": [99.0, 0.0]}, None),
        ({}, {"days_since_decline": [9.99, np.inf]}, Rule.DECLINED),
        ({}, {"days_since_decline": [10.0, 1.0]}, None),
        ({}, {"days_since_connection": [4.99, np.inf]}, Rule.RECENTLY_CONNECTED),
        ({}, {"days_since_connection": [5.0, 0.0]}, None),
        ({}, {"unanswered": [4.0, 0.0], "days_since_unanswered": [6.9, np.inf]}, Rule.UNANSWERED),
        ({}, {"unanswered": [4.0, 0.0], "days_since_unanswered": [7.0, np.inf]}, None),
        ({}, {"unanswered": [3.0, 9.0], "days_since_unanswered": [0.0, 0.0]}, None),
        ({}, {"of_offer": [3.0, 0.0]}, Rule.SEEN_TOO_OFTEN),
        ({}, {"of_offer": [2.0, 9.0]}, None),
        ({}, {"of_category": [10.0]}, Rule.CATEGORY_CAP),
        ({}, {"of_category": [9.0]}, None),
        ({}, {"of_channel": [20.0, *[0.0] * 6]}, Rule.CHANNEL_CAP),
        ({}, {"of_channel": [19.0, *[99.0] * 6]}, None),
        ({}, {"of_all": [40.0]}, Rule.TOTAL_CAP),
        ({}, {"of_all": [39.0]}, None),
        ({}, {"of_all": [40.0], "of_offer": [3.0, 0.0]}, Rule.SEEN_TOO_OFTEN),
        ({}, {"of_all": [40.0], "of_channel": [20.0, *[0.0] * 6]}, Rule.CHANNEL_CAP),
        ({"limits": Limits(total=1)}, {"of_all": [40.0], "total_connections": [1.0, 0.0]}, Rule.TOTAL_CAP),
    ],
)
def test_rules_of_the_history(fields: dict[str, Any], history: dict[str, Any], rule: Rule | None) -> None:
    assert verdict(offer("x", **fields), **history) == rule


def test_the_first_rule_that_drops_is_the_one_that_is_named() -> None:
    everything = offer(
        "x",
        valid_from=date(2021, 4, 1),
        valid_to=date(2021, 2, 1),
        channels=frozenset({"web"}),
        regions=frozenset({"Rostov"}),
        limits=Limits(per_subscriber=1),
    )
    history = {"connected": [True, False], "connections": [1.0, 0.0], "days_since_decline": [0.0, np.inf]}
    expected = (Rule.NOT_YET_VALID, Rule.EXPIRED, Rule.CHANNEL, Rule.REGION, Rule.CONNECTED)
    loosened = ({"valid_from": None}, {"valid_to": None}, {"channels": frozenset()}, {"regions": frozenset()})
    for rule, loosen in zip(expected, (*loosened, {}), strict=True):
        assert verdict(everything, **history) == rule
        everything = replace(everything, **loosen)
    assert verdict(everything, **(history | {"connected": [False, False]})) == Rule.SUBSCRIBER_LIMIT


def test_without_a_channel_the_channel_rule_is_skipped() -> None:
    assert verdict(offer("x", channels=frozenset({"web"})), channel=None) is None


def test_what_cannot_be_checked_is_not_shown_to_an_unknown_subscriber() -> None:
    offers = (
        BASE,
        offer("bound", regions=frozenset({"Kurgan"})),
        offer("if", eligible_if=(Condition("data_mb_30d", Op.IS_NULL, True),)),
    )
    eligibility = Eligibility(offers, POLICY)
    found = eligibility.check(None, no_history(1, eligibility.book, {}), channel="app", on=ON)
    assert found.dropped(0, offers) == {"bound": "region", "if": "eligible_if"}


def test_a_subscriber_without_a_region_is_outside_of_every_region() -> None:
    bound = offer("x", regions=frozenset({"Kurgan"}))
    assert verdict(bound, people=profiles(attributes={"region": [None]})) == Rule.REGION
    assert verdict(bound, people=profiles()) == Rule.REGION


def agreed(*channels: str | None) -> Any:
    return profiles(len(channels), attributes={"consent_channels": list(channels)})


@pytest.mark.parametrize(
    ("consent", "channel", "rule"),
    [
        ("app;vk", "vk", None),
        ("vk", "vk", None),
        ("app;web", "vk", Rule.CONSENT),
        ("", "vk", Rule.CONSENT),
        (None, "vk", Rule.CONSENT),
        ("vkontakte", "vk", Rule.CONSENT),
        (None, "app", None),
        (None, None, None),
    ],
)
def test_outbound_channels_need_consent_and_the_own_account_does_not(
    consent: str | None, channel: str | None, rule: Rule | None
) -> None:
    assert verdict(offer("x"), channel=channel, people=agreed(consent)) == rule


def test_who_is_unknown_has_not_consented() -> None:
    eligibility = Eligibility((BASE,), POLICY)
    history = no_history(1, eligibility.book, {})
    assert eligibility.check(None, history, channel="vk", on=ON).dropped(0, (BASE,)) == {"base": "no_consent"}
    assert verdict(BASE, (), channel="vk", people=profiles()) == Rule.CONSENT


@pytest.mark.parametrize(
    ("minute", "channel", "rule"),
    [
        (22 * 60 - 1, "vk", None),
        (22 * 60, "vk", Rule.QUIET_HOURS),
        (0, "vk", Rule.QUIET_HOURS),
        (8 * 60, "vk", None),
        (23 * 60, "app", None),
        (None, "vk", None),
    ],
)
def test_quiet_hours_hold_outbound(minute: int | None, channel: str, rule: Rule | None) -> None:
    assert verdict(offer("x"), channel=channel, people=agreed("vk"), minute=minute) == rule


PASSED_BY_MANDATORY = (
    {"days_since_decline": [0.0, np.inf]},
    {"days_since_connection": [0.0, np.inf]},
    {"unanswered": [9.0, 0.0], "days_since_unanswered": [0.0, np.inf]},
    {"of_offer": [9.0, 0.0]},
    {"of_category": [99.0]},
    {"of_channel": [99.0] * 7},
    {"of_all": [99.0]},
)


@pytest.mark.parametrize("history", PASSED_BY_MANDATORY)
def test_a_mandatory_offer_passes_caps_and_cooldowns(history: dict[str, Any]) -> None:
    assert verdict(offer("x"), **dict(history)) is not None
    assert verdict(offer("x", mandatory=True), **dict(history)) is None


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"valid_to": date(2021, 3, 9)}, Rule.EXPIRED),
        ({"channels": frozenset({"web"})}, Rule.CHANNEL),
        ({"regions": frozenset({"Rostov"})}, Rule.REGION),
        ({"eligible_if": (Condition("data_mb_30d", Op.GT, 0.0),)}, Rule.CONDITION),
        ({"requires": frozenset({"base"})}, Rule.REQUIRES),
    ],
)
def test_a_mandatory_offer_passes_nothing_else(fields: dict[str, Any], rule: Rule) -> None:
    assert verdict(offer("x", mandatory=True, **fields)) == rule
    assert verdict(offer("x", mandatory=True), channel="vk", people=agreed("app")) == Rule.CONSENT
    assert verdict(offer("x", mandatory=True), channel="vk", people=agreed("vk"), minute=0) == Rule.QUIET_HOURS
    spent = {"total_connections": [1.0, 0.0]}
    assert verdict(offer("x", mandatory=True, limits=Limits(total=1)), **spent) == Rule.TOTAL_LIMIT


TIGHT = replace(POLICY, caps=tuple(replace(cap, at_most=2 + place) for place, cap in enumerate(POLICY.caps)))
BY_SUBSCRIBER = (
    "connected",
    "connections",
    "days_since_decline",
    "days_since_connection",
    "unanswered",
    "days_since_unanswered",
)
RICH = (
    offer("a", regions=frozenset({"Kurgan"}), excludes=frozenset({"b", "c"})),
    offer("b", eligible_if=(Condition("data_mb_30d", Op.GE, 2.0), Condition("tariff", Op.NE, "S"))),
    offer(
        "c",
        "voice",
        mandatory=True,
        requires=frozenset({"a", "b"}),
        channels=frozenset({"web"}),
        limits=Limits(per_subscriber=1),
    ),
    offer("d", limits=Limits(total=2), valid_from=date(2021, 3, 1), regions=frozenset({"Rostov", "Moscow"})),
)


@given(data=st.data(), rows=st.integers(1, 5))
def test_one_subscriber_is_a_row_of_many(data: st.DataObject, rows: int) -> None:
    def table(values: st.SearchStrategy[Any]) -> np.ndarray:
        return np.asarray(data.draw(st.lists(st.lists(values, min_size=4, max_size=4), min_size=rows, max_size=rows)))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return data.draw(st.lists(values, min_size=rows, max_size=rows))

    people = profiles(
        rows,
        numeric={"data_mb_30d": column(st.sampled_from([np.nan, 1.0, 2.0, 3.0]))},
        attributes={
            "region": column(st.sampled_from(["Kurgan", "Rostov", "Elsewhere", None])),
            "tariff": column(st.sampled_from(["S", "M", None])),
            "consent_channels": column(st.sampled_from(["app;vk", "app", None])),
        },
    )
    eligibility = Eligibility(RICH, TIGHT)
    ages = st.sampled_from([0.0, 4.0, 6.0, 9.0, 10.0, np.inf])
    history = ContactHistory(
        table(st.booleans()),
        table(st.integers(0, 2)).astype(float),
        table(ages),
        table(ages),
        table(st.integers(0, 5)).astype(float),
        table(ages),
        np.asarray(data.draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)), float),
        tuple(
            np.asarray(column(st.lists(st.integers(0, 4), min_size=groups, max_size=groups)), float)
            for groups in eligibility.book.groups
        ),
    )
    channel = data.draw(st.sampled_from([None, "app", "web", "vk"]))
    many = eligibility.check(people, history, channel=channel, on=ON)
    for row in range(rows):
        part = slice(row, row + 1)
        own = ContactHistory(
            *(getattr(history, name)[part] for name in BY_SUBSCRIBER),
            history.total_connections,
            tuple(counts[part] for counts in history.shown),
        )
        one = Eligibility(RICH, TIGHT).check(people.take(np.asarray([row])), own, channel=channel, on=ON)
        assert one.verdict[0].tolist() == many.verdict[row].tolist()
        assert one.dropped(0, RICH) == many.dropped(row, RICH)
        assert set(one.dropped(0, RICH).values()) <= {str(rule) for rule in RULES} - {str(Rule.RANK)}
