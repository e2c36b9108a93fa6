import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import objects, offer

from mia.domain.policy import ArbitrationPolicy, ContextWeight, Factor
from mia.ranking.arbitration import Arbitration, greedy_order
from mia.ranking.offer_table import OfferTable

WORTH = st.lists(st.tuples(st.integers(0, 3).map(float), st.integers(0, 3).map(float)), max_size=12)


@given(WORTH)
def test_the_order_is_total_and_greedy(rows):
    worth, acceptance = (np.asarray([row[side] for row in rows]) for side in (0, 1))
    order = greedy_order(worth, acceptance).tolist()
    assert order == sorted(range(len(rows)), key=lambda place: (-worth[place], -acceptance[place], place))


TABLE = OfferTable.build(
    [
        offer("a", "data", value=200.0, tags=("video",)),
        offer("b", "voice", value=30.0, priority=2.0),
        offer("c", "data", value=10.0, priority=0.5),
    ]
)
ACCEPTANCE, COLS = np.asarray([0.1, 0.5, 0.25]), np.arange(3)
WEIGHTS = (
    ContextWeight(2.0, channels=frozenset({"vk", "chat"})),
    ContextWeight(3.0, categories=frozenset({"data"}), placements=frozenset({"banner"})),
    ContextWeight(5.0, tags=frozenset({"video", "games"}), channels=frozenset({"web"})),
)


def worth(factors: set[Factor], channel: str | None = "app", placement: str | None = None) -> list[float]:
    arbitration = Arbitration.build(ArbitrationPolicy(frozenset(factors), WEIGHTS), TABLE)
    return arbitration.worth(ACCEPTANCE, COLS, channel, placement).tolist()


def test_worth_is_chance_times_margin_times_context_times_priority():
    assert worth(set(Factor)) == [20.0, 30.0, 1.25]
    assert worth(set(Factor), "vk") == [40.0, 60.0, 2.5]
    assert worth(set(Factor), "vk", "banner") == [120.0, 60.0, 7.5]
    assert worth(set(Factor), "web", "menu") == [100.0, 30.0, 1.25]
    assert worth(set(Factor), None) == [20.0, 30.0, 1.25]


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (Factor.ACCEPTANCE, [1200.0, 120.0, 30.0]),
        (Factor.VALUE, [0.6, 2.0, 0.75]),
        (Factor.CONTEXT, [20.0, 30.0, 1.25]),
        (Factor.PRIORITY, [120.0, 30.0, 15.0]),
    ],
)
def test_a_factor_that_is_off_counts_as_1(factor, expected):
    assert worth(set(Factor) - {factor}, "vk", "banner") == pytest.approx(expected)
    everything = Arbitration.build(ArbitrationPolicy(frozenset(Factor), WEIGHTS), TABLE)
    without = everything.without(factor).worth(ACCEPTANCE, COLS, "vk", "banner")
    assert without.tolist() == worth(set(Factor) - {factor}, "vk", "banner")


def test_with_no_factor_all_offers_are_alike():
    assert worth(set()) == [1.0, 1.0, 1.0]


CONTEXTS = st.tuples(st.sampled_from(["app", "vk", "web", None]), st.sampled_from(["banner", "menu", None]))


@given(st.lists(st.tuples(CONTEXTS, st.integers(0, 2), st.floats(0, 1)), max_size=8), st.booleans())
def test_many_contexts_are_each_one_alone(rows, placed):
    arbitration = Arbitration.build(ArbitrationPolicy(frozenset(Factor), WEIGHTS), TABLE)
    channels, placements = (objects([context[side] for context, _, _ in rows]) for side in (0, 1))
    cols, chance = np.asarray([row[1] for row in rows], np.int64), np.asarray([row[2] for row in rows], float)
    found = arbitration.worth_of(chance, cols, channels, placements if placed else None)
    for place, ((channel, placement), col, one) in enumerate(rows):
        alone = arbitration.worth(np.asarray([one]), np.asarray([col]), channel, placement if placed else None)
        assert found[place] == alone[0]


def test_many_decisions_are_ordered_each_by_itself():
    worth = np.asarray([[1.0, 3.0, 3.0], [2.0, -np.inf, 5.0]])
    acceptance = np.asarray([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3]])
    assert greedy_order(worth, acceptance).tolist() == [[2, 1, 0], [2, 0, 1]]
