"""Offers that come first: whoever draws the rest, propensities stay exact."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.ranking.exploration import (
    EpsilonUniform,
    Exploration,
    OptimisticPlackettLuce,
    PlackettLuce,
    Prospects,
    draw_behind,
    marginals_behind,
)

POLICIES = (EpsilonUniform(0.3), PlackettLuce(0.4, 0.7), OptimisticPlackettLuce(0.5, 1.0, 1.0))
WORTH = np.asarray([4.0, 9.0, 1.0, 6.0, 2.0])


def prospects(worth: np.ndarray) -> Prospects:
    return Prospects(worth, worth / 10.0, np.linspace(0.0, 0.5, worth.shape[-1]) + np.zeros(worth.shape))


def mask(*places: int) -> np.ndarray:
    return np.isin(np.arange(len(WORTH)), places)


def test_without_firsts_nothing_changes() -> None:
    for seed in range(50):
        for policy in POLICIES:
            one = policy.draw(prospects(WORTH), 3, seed)
            other = draw_behind(policy, prospects(WORTH), mask(), ~mask(), (3, 3), seed)
            assert (one.order.tolist(), one.propensity.tolist()) == (other.order.tolist(), other.propensity.tolist())
            assert one.explored == other.explored


def test_firsts_lead_by_merit_with_certainty_and_who_is_neither_stays_out() -> None:
    for seed in range(30):
        slate = draw_behind(EpsilonUniform(0.9), prospects(WORTH), mask(2, 4), mask(0, 1), (4, 4), seed)
        assert slate.order[:2].tolist() == [4, 2]
        assert slate.propensity[:2].tolist() == [1.0, 1.0]
        assert set(slate.order[2:].tolist()) == {0, 1}


@pytest.mark.parametrize(("places", "shown"), [((1, 1), [4]), ((2, 2), [4, 2]), ((5, 0), [4, 2]), ((3, 3), [4, 2, 1])])
def test_places_are_those_there_are(places: tuple[int, int], shown: list[int]) -> None:
    slate = draw_behind(EpsilonUniform(0.0), prospects(WORTH), mask(2, 4), ~mask(2, 4), places, 1)
    assert slate.order.tolist() == shown
    assert not slate.explored


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.kind)
def test_propensities_are_the_frequencies(policy: Exploration) -> None:
    draws, first = 4_000, mask(2)
    counts = np.zeros((len(WORTH), 3))
    stated = marginals_behind(policy, prospects(WORTH[None]), first, 3)[0]
    for seed in range(draws):
        slate = draw_behind(policy, prospects(WORTH), first, ~first, (3, 3), seed)
        counts[slate.order, np.arange(3)] += 1
        assert slate.propensity == pytest.approx(stated[slate.order, np.arange(3)], rel=1e-9)
    error = np.sqrt(stated * (1 - stated) / draws)
    assert (np.abs(counts / draws - stated) <= 4.5 * error + 1e-12).all()


@given(
    st.lists(st.lists(st.sampled_from([-np.inf, 1.0, 2.0, 3.0]), min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.integers(1, 4),
)
def test_marginals_of_many_decisions_are_each_one_alone(
    rows: list[list[float]], firsts: list[bool], places: int
) -> None:
    worth, first = np.asarray(rows), np.asarray(firsts)
    policy = EpsilonUniform(0.5)
    found = marginals_behind(policy, prospects(worth), first, places)
    for place, values in enumerate(worth):
        known = np.flatnonzero(values > -np.inf)
        leading = [one for one in sorted(known, key=lambda one: (-values[one], one)) if first[one]]
        behind = [one for one in sorted(known, key=lambda one: (-values[one], one)) if not first[one]]
        expected = np.zeros((4, places))
        orders = list(permutations(behind))
        for order in orders:
            for spot, one in enumerate([*leading, *order][:places]):
                expected[one, spot] += 0.5 / len(orders)
        for spot, one in enumerate([*leading, *behind][:places]):
            expected[one, spot] += 0.5
        assert found[place] == pytest.approx(expected)
