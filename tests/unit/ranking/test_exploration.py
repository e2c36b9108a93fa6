import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.ranking.exploration import EpsilonUniform

DRAWS = 200_000
CASES = [(1, 1, 0.3), (3, 3, 0.1), (5, 2, 0.5), (8, 3, 1.0), (8, 3, 0.0), (12, 12, 0.25)]


def require_stated(slates, greedy, epsilon):
    """Every offer is at every place as often as its propensity says, within 4 standard errors."""
    draws, offers = len(slates), len(greedy)
    seen = np.stack([np.bincount(column, minlength=offers) for column in slates.T]) / draws
    for place, frequencies in enumerate(seen):
        for one, frequency in enumerate(frequencies):
            stated = epsilon / offers + (1 - epsilon) * (greedy[place] == one)
            assert abs(frequency - stated) <= 4 * np.sqrt(stated * (1 - stated) / draws), (place, one)


@pytest.mark.parametrize(("offers", "places", "epsilon"), CASES)
def test_frequencies_are_the_stated_propensities(offers, places, epsilon):
    policy, rng = EpsilonUniform(epsilon), np.random.default_rng(17)
    greedy = rng.permutation(offers)
    slates = np.stack([policy.draw_from(rng, greedy, places).order for _ in range(DRAWS)])
    require_stated(slates, greedy, epsilon)


def test_seeds_draw_as_one_stream_does():
    policy, greedy = EpsilonUniform(0.4), np.asarray([2, 0, 3, 1])
    require_stated(np.stack([policy.draw(greedy, 3, seed).order for seed in range(DRAWS // 5)]), greedy, 0.4)


SIZES = st.integers(1, 15)


@given(offers=SIZES, places=SIZES, epsilon=st.floats(0, 1), seed=st.integers(0, 2**56 - 1))
def test_a_draw_is_a_slate_with_its_propensities(offers, places, epsilon, seed):
    policy, greedy = EpsilonUniform(epsilon), np.arange(offers)[::-1].copy()
    slate = policy.draw(greedy, places, seed)
    assert len(slate.order) == min(offers, places)
    assert len(set(slate.order.tolist())) == len(slate.order)
    assert greedy.tolist() == list(range(offers))[::-1]
    if not slate.explored:
        assert slate.order.tolist() == greedy[:places].tolist()
    for place, (one, propensity) in enumerate(zip(slate.order, slate.propensity, strict=True)):
        stated = epsilon / offers + (1 - epsilon) * (greedy[place] == one)
        assert propensity == pytest.approx(stated)
        assert 0 < propensity <= 1
    again = policy.draw(greedy, places, seed)
    assert again.order.tolist() == slate.order.tolist()
    assert (again.explored, again.propensity.tolist()) == (slate.explored, slate.propensity.tolist())


@given(offers=SIZES, epsilon=st.floats(0, 1))
def test_the_propensities_of_a_place_sum_to_one(offers, epsilon):
    policy, greedy = EpsilonUniform(epsilon), np.arange(offers)
    for place in range(offers):
        total = 0.0
        for one in range(offers):
            order = np.roll(greedy, place - one)  # some order with this offer at this place
            total += policy.propensities(greedy, order)[place]
        assert total == pytest.approx(1.0)


def test_nothing_to_show_is_an_empty_slate():
    slate = EpsilonUniform(0.5).draw(np.zeros(0, np.int64), 3, seed=1)
    assert (len(slate.order), len(slate.propensity)) == (0, 0)


@given(st.floats(0, 1))
def test_the_name_tells_the_policy_exactly(epsilon):
    policy = EpsilonUniform(epsilon)
    assert EpsilonUniform.of_name(policy.name) == policy


@pytest.mark.parametrize("name", ["greedy", "epsilon-uniform-", "epsilon-uniform-much"])
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match=r"no exploration policy|could not convert"):
        EpsilonUniform.of_name(name)
