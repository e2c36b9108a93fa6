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
from mia.offers.contact import ContactHistory, ContactPolicy, no_history
from mia.offers.eligibility import OPERATORS, RULES, Eligibility, holds, opted_out

ON = date(2021, 3, 10)
POLICY = ContactPolicy(impression_cap=3, impression_window_days=30, decline_cooldown_days=10)
BASE = offer("base")


def verdict(
    one: Offer, others: tuple[Offer, ...] = (BASE,), channel: str | None = "app", people: Any = None, **history: Any
) -> str | None:
    """The rule that drops the offer for one subscriber; history columns are [this offer, *others]."""
    offers = (one, *others)
    known = no_history(1, offers, {})
    known = replace(
        known, **{name: np.asarray(values).reshape(getattr(known, name).shape) for name, values in history.items()}
    )
    people = profiles(attributes={"region": ["Kurgan"]}) if people is None else people
    found = Eligibility(offers, POLICY).check(people, known, channel=channel, on=ON)
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
        ({}, {"impressions": [3.0, 0.0]}, Rule.SEEN_TOO_OFTEN),
        ({}, {"impressions": [2.0, 9.0]}, None),
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
    found = Eligibility(offers, POLICY).check(None, no_history(1, offers, {}), channel="app", on=ON)
    assert found.dropped(0, offers) == {"bound": "region", "if": "eligible_if"}


def test_a_subscriber_without_a_region_is_outside_of_every_region() -> None:
    bound = offer("x", regions=frozenset({"Kurgan"}))
    assert verdict(bound, people=profiles(attributes={"region": [None]})) == Rule.REGION
    assert verdict(bound, people=profiles()) == Rule.REGION


NULLS = {"number": np.asarray([np.nan]), "text": np.asarray([None], object), "mixed": np.asarray([np.nan], object)}


@pytest.mark.parametrize("values", NULLS.values(), ids=NULLS)
@pytest.mark.parametrize("op", list(Op))
def test_null_satisfies_only_is_null_ne_and_not_in(op: Op, values: np.ndarray) -> None:
    bounds = {Op.IN: [1, "a", None], Op.NOT_IN: [1, "a", None], Op.BETWEEN: [0, 10], Op.IS_NULL: True}
    assert OPERATORS[op](values, bounds.get(op, 1)).tolist() == [op in (Op.IS_NULL, Op.NE, Op.NOT_IN)]
    assert OPERATORS[Op.IS_NULL](values, False).tolist() == [False]


PLAIN = {
    Op.EQ: lambda value, bound: value == bound,
    Op.NE: lambda value, bound: value != bound,
    Op.GT: lambda value, bound: value > bound,
    Op.GE: lambda value, bound: value >= bound,
    Op.LT: lambda value, bound: value < bound,
    Op.LE: lambda value, bound: value <= bound,
    Op.IN: lambda value, bound: value in bound,
    Op.NOT_IN: lambda value, bound: value not in bound,
    Op.BETWEEN: lambda value, bound: bound[0] <= value <= bound[1],
    Op.IS_NULL: lambda value, bound: not bound,
}
SMALL = st.integers(-2, 2).map(float)
WORD = st.sampled_from(["", "a", "b", "ы"])


@given(data=st.data(), op=st.sampled_from(list(Op)), words=st.booleans())
def test_operators_mean_what_they_say(data: st.DataObject, op: Op, words: bool) -> None:
    value = WORD if words else SMALL
    values = data.draw(st.lists(st.none() | value, max_size=6))
    bounds = {Op.IN: st.lists(value), Op.NOT_IN: st.lists(value), Op.BETWEEN: st.tuples(value, value)}
    bound = data.draw(bounds.get(op, st.booleans() if op is Op.IS_NULL else value))
    null = {Op.NE: True, Op.NOT_IN: True, Op.IS_NULL: bool(bound)}.get(op, False)
    expected = [null if one is None else PLAIN[op](one, bound) for one in values]
    stored = np.empty(len(values), object)
    stored[:] = values
    assert OPERATORS[op](stored, bound).tolist() == expected
    if not words:
        numbers = np.asarray([np.nan if one is None else one for one in values], float)
        assert OPERATORS[op](numbers, bound).tolist() == expected


@pytest.mark.parametrize("op", [Op.EQ, Op.GT, Op.GE, Op.LT, Op.LE])
def test_a_word_never_compares_with_a_number(op: Op) -> None:
    assert OPERATORS[op](np.asarray([1.0, 2.0]), "a").tolist() == [False, False]
    assert OPERATORS[op](np.asarray(["a", None], object), 1).tolist() == [False, False]


def test_conditions_see_attributes_and_features() -> None:
    people = profiles(2, numeric={"data_mb_30d": [5.0, 50.0]}, attributes={"tariff": ["S", None]})
    assert holds(Condition("data_mb_30d", Op.LT, 10), people).tolist() == [True, False]
    assert holds(Condition("tariff", Op.EQ, "S"), people).tolist() == [True, False]
    assert holds(Condition("unheard_of", Op.IS_NULL, True), people).tolist() == [True, True]


def test_only_a_no_opts_out() -> None:
    assert opted_out(profiles(3, attributes={"personalisation": [0.0, 1.0, None]})).tolist() == [True, False, False]
    assert opted_out(profiles(2)).tolist() == [False, False]


RICH = (
    offer("a", regions=frozenset({"Kurgan"}), excludes=frozenset({"b", "c"})),
    offer("b", eligible_if=(Condition("data_mb_30d", Op.GE, 2.0), Condition("tariff", Op.NE, "S"))),
    offer("c", requires=frozenset({"a", "b"}), channels=frozenset({"web"}), limits=Limits(per_subscriber=1)),
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
        },
    )
    history = ContactHistory(
        table(st.booleans()),
        table(st.integers(0, 2)).astype(float),
        table(st.integers(0, 4)).astype(float),
        table(st.sampled_from([0.0, 9.0, 10.0, np.inf])),
        np.asarray(data.draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)), float),
    )
    channel = data.draw(st.sampled_from([None, "app", "web"]))
    eligibility = Eligibility(RICH, POLICY)
    many = eligibility.check(people, history, channel=channel, on=ON)
    for row in range(rows):
        part = slice(row, row + 1)
        own = ContactHistory(
            history.connected[part],
            history.connections[part],
            history.impressions[part],
            history.days_since_decline[part],
            history.total_connections,
        )
        one = Eligibility(RICH, POLICY).check(people.take(np.asarray([row])), own, channel=channel, on=ON)
        assert one.verdict[0].tolist() == many.verdict[row].tolist()
        assert one.dropped(0, RICH) == many.dropped(row, RICH)
        assert set(one.dropped(0, RICH).values()) <= {str(rule) for rule in RULES} - {str(Rule.RANK)}
