import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import offer, profiles

from mia.domain.offer import Condition, Op
from mia.offers.conditions import OPERATORS, ConditionTable, holds

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


BOUNDS = {
    "number": st.sampled_from([-1.0, 0.0, 2, True]),
    "word": st.sampled_from(["S", "M"]),
}
COLUMNS = ("data_mb_30d", "tariff", "mixed", "amount", "absent")
CONDITIONS = st.one_of(
    st.builds(
        Condition,
        st.sampled_from(COLUMNS),
        st.sampled_from([Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE]),
        st.one_of(*BOUNDS.values()),
    ),
    st.builds(Condition, st.sampled_from(COLUMNS), st.just(Op.BETWEEN), st.sampled_from([(0, 2), ("L", "S")])),
    st.builds(Condition, st.sampled_from(COLUMNS), st.sampled_from([Op.IN, Op.NOT_IN]), st.just(("S", 2.0))),
    st.builds(Condition, st.sampled_from(COLUMNS), st.just(Op.IS_NULL), st.booleans()),
)
ROWS = 3
CELLS = {
    "tariff": st.sampled_from(["S", "M", None]),
    "mixed": st.sampled_from(["S", 2.0, None]),
    "amount": st.sampled_from([2.0, 0.0, None, float("nan")]),
}


@given(st.data(), st.lists(st.lists(CONDITIONS, max_size=4), min_size=1, max_size=5))
def test_a_table_of_conditions_is_each_of_them(data: st.DataObject, asked: list[list[Condition]]) -> None:
    columns = {name: data.draw(st.lists(cell, min_size=ROWS, max_size=ROWS)) for name, cell in CELLS.items()}
    numbers = data.draw(st.lists(st.sampled_from([-1.0, 0.0, 2.0, float("nan")]), min_size=ROWS, max_size=ROWS))
    people = profiles(ROWS, numeric={"data_mb_30d": numbers}, attributes=columns)
    offers = [offer(f"o{place}", eligible_if=tuple(conditions)) for place, conditions in enumerate(asked)]
    expected = [
        [
            not all(holds(condition, people.take(np.asarray([row])))[0] for condition in one.eligible_if)
            for one in offers
        ]
        for row in range(ROWS)
    ]
    table = ConditionTable.build(offers)
    assert table.failing(people, ROWS).tolist() == expected
    unknown = table.failing(None, 1)[0].tolist()
    assert unknown == [bool(one.eligible_if) for one in offers]


def test_many_bounds_of_one_column_are_one_comparison() -> None:
    offers = [offer(f"o{place}", eligible_if=(Condition("data_mb_30d", Op.GE, place),)) for place in range(100)]
    assert len(ConditionTable.build(offers).of_op) == 1
