"""Conditions that can never hold together, against every value there could be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.domain.offer import Condition, Offer, Op, Text
from mia.offers.contradictions import find_contradiction
from mia.offers.violations import holds_of

TEXT = Text("", "")
NUMBERS = [quarter / 4 for quarter in range(-6, 24)]
VALUES: list[Any] = [None, *NUMBERS, "", *(letter + end for letter in "abcd" for end in ("", "\0", "m"))]
_NUMBER = st.integers(0, 4)
_WORD = st.sampled_from("abc")
_LIST = st.lists(_NUMBER, min_size=1, max_size=3).map(tuple) | st.lists(_WORD, min_size=1, max_size=3).map(tuple)
_SINGLE = st.sampled_from([Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE])
CONDITIONS = st.one_of(
    st.builds(Condition, st.just("x"), _SINGLE, _NUMBER | _WORD),
    st.builds(Condition, st.just("x"), st.sampled_from([Op.IN, Op.NOT_IN]), _LIST),
    st.builds(lambda low, more: Condition("x", Op.BETWEEN, (low, low + more)), _NUMBER, _NUMBER),
    st.builds(Condition, st.just("x"), st.just(Op.IS_NULL), st.booleans()),
)


def an_offer(*conditions: Condition, **fields: Any) -> Offer:
    return Offer("a", TEXT, TEXT, "c", "k", eligible_if=conditions, **fields)


@given(st.lists(CONDITIONS, max_size=4))
def test_it_is_found_exactly_where_no_value_would_do(conditions: list[Condition]) -> None:
    possible = any(all(holds_of(condition, value) for condition in conditions) for value in VALUES)
    assert (find_contradiction(an_offer(*conditions)) is None) == possible


@pytest.mark.parametrize(
    ("conditions", "named"),
    [
        ([("x", Op.GT, 10), ("x", Op.LT, 5)], "x gt 10 and x lt 5"),
        ([("y", Op.GT, 1), ("x", Op.EQ, 3), ("x", Op.NE, 3)], "x eq 3 and x ne 3"),
        ([("x", Op.GE, 1), ("x", Op.IS_NULL, True)], "x ge 1 and x is_null true"),
        ([("x", Op.IN, ("a", "b")), ("x", Op.GT, 2)], "x in a, b and x gt 2"),
        ([("x", Op.IN, (1, 2)), ("x", Op.NE, 1), ("x", Op.NE, 2)], "x in 1, 2 and x ne 1 and x ne 2"),
        ([("x", Op.BETWEEN, (0, 1)), ("x", Op.GT, 1)], "x between 0, 1 and x gt 1"),
        ([("x", Op.GT, 10), ("y", Op.LT, 5)], None),
        ([("x", Op.NE, 3), ("x", Op.IS_NULL, True)], None),
        ([("x", Op.GT, 4), ("x", Op.LT, 5)], None),
    ],
)
def test_the_fewest_conditions_are_named(conditions: list[tuple[str, Op, Any]], named: str | None) -> None:
    assert find_contradiction(an_offer(*(Condition(*each) for each in conditions))) == named


def test_regions_are_a_condition_too() -> None:
    offer = an_offer(Condition("region", Op.EQ, "Moscow"), regions=frozenset({"Kurgan", "Perm"}))
    assert find_contradiction(offer) == "region in Kurgan, Perm and region eq Moscow"
