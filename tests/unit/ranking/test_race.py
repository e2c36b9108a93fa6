import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.unit.ranking.exploration_cases import enumerated

from mia.ranking.exploration.race import exponential_places, race_places

LOGS = st.lists(st.floats(-30, 0), min_size=1, max_size=9)


@settings(max_examples=60, deadline=None)
@given(logs=LOGS, places=st.integers(1, 9), data=st.data())
def test_places_are_those_of_the_enumeration(logs, places, data):
    rates = np.exp(np.asarray(logs))
    kept = min(places, len(rates))
    truth = enumerated(rates, kept)
    found = exponential_places(rates[None], places)[0]
    assert np.abs(found[:, :kept] / truth - 1).max() < 1e-12
    assert not found[:, kept:].any()
    asked = np.asarray(data.draw(st.permutations(range(len(rates)))))[: data.draw(st.integers(1, len(rates)))]
    some = exponential_places(rates[None], places, asked)[0]
    assert np.abs(some[:, :kept] / truth[asked] - 1).max() < 1e-12


def test_twelve_offers_and_ten_places_are_exact_too():
    rates = np.exp(np.random.default_rng(5).normal(0, 3, 12))
    assert np.abs(exponential_places(rates[None], 10)[0] / enumerated(rates, 10) - 1).max() < 1e-12


@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
def test_every_place_of_sixty_offers_is_filled(spread):
    rates = np.exp(np.random.default_rng(6).normal(0, spread, (3, 60)))
    found = exponential_places(rates, 10)
    assert np.abs(found.sum(axis=1) - 1).max() < 1e-12
    assert found.min() > 0
    if not spread:
        assert np.abs(found * 60 - 1).max() < 1e-12


def test_who_does_not_run_takes_no_place():
    rates = np.asarray([[1.0, 0.0, 2.0, 3.0], [0.0, 0.0, 5.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = exponential_places(rates, 3)
    assert found[0][[0, 2, 3]] == pytest.approx(enumerated(np.asarray([1.0, 2.0, 3.0]), 3), rel=1e-12)
    assert not found[0][1].any()
    assert found[1].tolist() == [[0, 0, 0], [0, 0, 0], [pytest.approx(1.0, rel=1e-12), 0, 0], [0, 0, 0]]
    assert not found[2].any()


def test_any_distribution_of_times_can_run():
    """Normal times: the chance to be first of two is that of a difference."""
    nodes = np.linspace(-12, 12, 2_001)
    means = np.asarray([0.0, 0.7])
    waiting = stats.norm.sf(nodes, means[:, None])[:, None]
    passed = stats.norm.cdf(nodes, means[:, None])[:, None]
    density = stats.norm.pdf(nodes, means[:, None])[:, None] * (nodes[1] - nodes[0])
    found = race_places(density, waiting, passed, np.arange(2), 2)[0]
    first = stats.norm.cdf(0.7 / np.sqrt(2))
    assert found == pytest.approx(np.asarray([[first, 1 - first], [1 - first, first]]), rel=1e-12)
