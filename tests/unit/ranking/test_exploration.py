from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ranking.exploration_cases import CASES, POLICIES, enumerated, many, prospects_of

from mia.ranking.exploration import (
    EpsilonUniform,
    OptimisticPlackettLuce,
    PlackettLuce,
    Prospects,
    build_exploration,
    exploration_of_name,
    full_exploration,
)

SIZES = st.integers(1, 15)
POLICY = st.sampled_from(POLICIES)
WORTH = st.lists(st.one_of(st.floats(0, 1e4), st.sampled_from([0.0, 1.0, -1.0])), min_size=1, max_size=12)


@given(policy=POLICY, worth=WORTH, places=SIZES, seed=st.integers(0, 2**56 - 1))
def test_a_draw_is_a_slate_with_its_propensities(policy, worth, places, seed):
    prospects = prospects_of(worth)
    slate = policy.draw(prospects, places, seed)
    assert len(slate.order) == min(len(worth), places)
    assert len(set(slate.order.tolist())) == len(slate.order)
    if not slate.explored:
        assert slate.order.tolist() == prospects.greedy[:places].tolist()
    stated = policy.marginals(many(prospects), places)[0]
    for place, (one, propensity) in enumerate(zip(slate.order, slate.propensity, strict=True)):
        assert propensity == pytest.approx(stated[one, place], rel=1e-10)
        assert 0 < propensity <= 1 + 1e-12
    again = policy.draw(prospects, places, seed)
    assert again.order.tolist() == slate.order.tolist()
    assert (again.explored, again.propensity.tolist()) == (slate.explored, slate.propensity.tolist())


@given(policy=POLICY, worth=WORTH, places=SIZES)
def test_the_propensities_of_a_place_sum_to_one(policy, worth, places):
    stated = policy.marginals(many(prospects_of(worth)), places)[0]
    filled = min(places, len(worth))
    assert stated[:, :filled].sum(axis=0) == pytest.approx(np.ones(filled), rel=1e-12)
    assert not stated[:, filled:].any()
    # An offer is shown once at most.
    assert (stated.sum(axis=1) <= 1 + 1e-12).all()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("case", CASES)
def test_frequencies_are_the_stated_propensities(policy, case):
    """The short form of tests/statistics/test_exploration.py."""
    worth, places = CASES[case]
    prospects, rng, draws = prospects_of(worth), np.random.default_rng(19), 1_500
    orders, _ = policy.orders_from(rng, prospects, places, draws)
    stated = policy.marginals(many(prospects), orders.shape[1])[0]
    seen = np.stack([np.bincount(column, minlength=len(worth)) for column in orders.T], axis=1) / draws
    # Four standard errors where the normal holds; a rare offer may come once or twice.
    assert (np.abs(seen - stated) <= 4.5 * np.sqrt(stated * (1 - stated) / draws) + 3 / draws).all()


def test_the_chances_of_plackett_luce_are_those_of_the_enumeration():
    worth = np.asarray([4.0, 1.0, 0.3, 2.0, 2.0, 9.0])
    for temperature in (0.3, 1.0, 3.0):
        found = PlackettLuce(1.0, temperature).marginals(many(Prospects.certain(worth)), 4)[0]
        assert found == pytest.approx(enumerated(worth ** (1 / temperature), 4), rel=1e-12)
        mixed = PlackettLuce(0.3, temperature).marginals(many(Prospects.certain(worth)), 4)[0]
        greedy = np.argsort(-worth, kind="stable")[:4]
        assert mixed - 0.3 * found == pytest.approx(0.7 * np.eye(6)[greedy].T, abs=1e-12)


def test_many_decisions_are_each_alone():
    rng = np.random.default_rng(8)
    worth = np.where(rng.random((40, 9)) < 0.3, -np.inf, rng.lognormal(0, 2, (40, 9)))
    prospects = Prospects(worth, rng.random((40, 9)), rng.random((40, 9)))
    for policy in POLICIES:
        found = policy.marginals(prospects, 4)
        for row in range(40):
            here = np.flatnonzero(worth[row] > -np.inf)
            alone = Prospects(*(array[row, here][None] for array in (worth, prospects.acceptance, prospects.doubt)))
            assert found[row, here] == pytest.approx(policy.marginals(alone, 4)[0], rel=1e-10, abs=1e-300)
            assert found[row].sum() == pytest.approx(min(4, len(here)))
            assert not np.delete(found[row], here, axis=0).any()


def test_the_share_of_learning_is_bounded():
    prospects, rng = prospects_of([3.0, 1.0, 2.0]), np.random.default_rng(1)
    for policy in POLICIES:
        explored = policy.orders_from(rng, prospects, 2, 2_000)[1].mean()
        assert abs(explored - policy.epsilon) <= 4 * np.sqrt(policy.epsilon * (1 - policy.epsilon) / 2_000)


def test_doubt_gives_new_offers_more_of_the_draws():
    worth, doubt = np.asarray([2.0, 1.0, 1.0]), np.asarray([0.01, 0.01, 1.5])
    prospects = Prospects(worth[None], worth[None], doubt[None])
    plain, hopeful = PlackettLuce(0.2, 0.5), OptimisticPlackettLuce(0.2, 0.5, 1.0)
    before, after = (policy.marginals(prospects, 1)[0, :, 0] for policy in (plain, hopeful))
    assert before[1] == before[2]
    assert after[2] > 3 * after[1]
    assert after[0] >= 0.8
    weights = (worth * (1 + doubt)) ** 2
    assert after == pytest.approx(0.2 * weights / weights.sum() + [0.8, 0, 0], rel=1e-12)
    nothing = OptimisticPlackettLuce(0.2, 0.5, 0.0).marginals(prospects, 3)
    assert nothing == pytest.approx(plain.marginals(prospects, 3))


def test_a_low_temperature_is_greedy_and_a_high_one_uniform():
    prospects = many(prospects_of([1.0, 2.0, 4.0]))
    assert PlackettLuce(1.0, 0.02).marginals(prospects, 1)[0, 2, 0] == pytest.approx(1.0)
    assert PlackettLuce(1.0, 1e6).marginals(prospects, 2)[0] == pytest.approx(np.full((3, 2), 1 / 3), rel=1e-5)


def test_seeds_draw_what_epsilon_uniform_always_drew():
    """Decisions of earlier versions must replay: the stream of random numbers is used as it was."""
    prospects = Prospects.certain(np.asarray([2.0, 5.0, 1.0, 3.0]))
    for seed in range(50):
        rng = np.random.default_rng(seed)
        greedy = np.asarray([1, 3, 0, 2])
        explored = bool(rng.random() < 0.4)
        order = (rng.permutation(greedy) if explored else greedy)[:3]
        slate = EpsilonUniform(0.4).draw(prospects, 3, seed)
        assert (slate.order.tolist(), slate.explored) == (order.tolist(), explored)
        assert slate.propensity.tolist() == (0.4 / 4 + 0.6 * (greedy[:3] == order)).tolist()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_nothing_to_show_is_an_empty_slate(policy):
    for seed in range(3):
        slate = policy.draw(prospects_of([]), 3, seed=seed)
        assert (len(slate.order), len(slate.propensity)) == (0, 0)


@given(
    policy=POLICY,
    epsilon=st.floats(0, 1),
    temperature=st.floats(1e-5, 10),
    optimism=st.floats(0, 10),
)
def test_the_name_tells_the_policy_exactly(policy, epsilon, temperature, optimism):
    values = {"epsilon": epsilon, "temperature": temperature, "optimism": optimism}
    built = build_exploration(policy.kind, **values)
    assert type(built) is type(policy)
    assert all(getattr(built, name, value) == value for name, value in values.items())
    assert exploration_of_name(built.name) == built


def test_a_full_exploration_is_named_by_its_parameters():
    assert full_exploration("epsilon-uniform") == EpsilonUniform(1.0)
    assert full_exploration("optimistic:0.5,2") == OptimisticPlackettLuce(1.0, 0.5, 2.0)


@pytest.mark.parametrize(
    "name",
    [
        "greedy",
        "epsilon-uniform-",
        "epsilon-uniform-much",
        "epsilon-uniform-2.0",
        "epsilon-uniform-0.1,0.5",
        "plackett-luce-0.1",
        "plackett-luce-0.1,0.0",
        "plackett-luce-0.1,inf",
        "optimistic-0.1,0.5,-1.0",
        "optimistic-nan,0.5,1.0",
    ],
)
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match=r"no exploration policy|could not convert|must (lie|be)"):
        exploration_of_name(name)


@pytest.mark.parametrize("text", ["plackett-luce", "plackett-luce:0", "plackett-luce:1,2", "thompson:1"])
def test_another_full_exploration_is_refused(text):
    with pytest.raises(ValueError, match=r"no exploration policy|must be"):
        full_exploration(text)


def test_prospects_are_not_changed():
    prospects = prospects_of([1.0, 3.0, 2.0])
    kept = replace(prospects, worth=prospects.worth.copy())
    for policy in POLICIES:
        policy.draw(prospects, 2, seed=1)
        policy.marginals(many(prospects), 2)
    assert prospects.worth.tolist() == kept.worth.tolist()
