import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mia.ranking.arbitration import expected_value, greedy_order

WORTH = st.lists(st.tuples(st.integers(0, 3).map(float), st.integers(0, 3).map(float)), max_size=12)


@given(WORTH)
def test_the_order_is_total_and_greedy(rows):
    worth, acceptance = (np.asarray([row[side] for row in rows]) for side in (0, 1))
    order = greedy_order(worth, acceptance).tolist()
    assert order == sorted(range(len(rows)), key=lambda place: (-worth[place], -acceptance[place], place))


def test_worth_is_chance_times_margin_times_priority():
    found = expected_value(np.asarray([0.1, 0.5]), np.asarray([200.0, 30.0]), np.asarray([1.0, 2.0]))
    assert found.tolist() == [20.0, 30.0]


def test_many_decisions_are_ordered_each_by_itself():
    worth = np.asarray([[1.0, 3.0, 3.0], [2.0, -np.inf, 5.0]])
    acceptance = np.asarray([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
    assert greedy_order(worth, acceptance).tolist() == [[2, 1, 0], [2, 0, 1]]
