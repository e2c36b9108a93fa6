import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import off_policy_formulas as formulas

from mia.errors import NotEnoughData
from mia.evaluation.intervals import Estimate
from mia.evaluation.off_policy import (
    DirectMethod,
    DoublyRobust,
    Ips,
    Logged,
    ShrinkageDoublyRobust,
    Snips,
    SwitchDoublyRobust,
    Target,
    chosen_estimators,
    estimate_value,
    overlap_of,
)
from mia.evaluation.off_policy.tuning import STRENGTHS

NOTHING = Estimate(np.nan, np.nan, np.nan)
CHANCE = st.sampled_from([0.0, 0.05, 0.3, 1.0])
ROW = st.tuples(
    st.sampled_from([0.0, 1.0]), st.sampled_from([0.01, 0.2, 0.5, 1.0]), CHANCE, st.floats(0, 1), st.floats(0, 1)
)
SLATES = st.lists(st.lists(ROW, min_size=1, max_size=4), min_size=1, max_size=12)


def arrays(slates, owners=None):
    rows = [row for slate in slates for row in slate]
    reward, propensity, chance, expected, planned = (np.asarray(column, float) for column in zip(*rows, strict=True))
    number = np.repeat(np.arange(len(slates)), [len(slate) for slate in slates])
    place = np.concatenate([np.arange(len(slate)) for slate in slates])
    owner = number if owners is None else np.asarray(owners)[number]
    return Logged(reward, propensity, number * 7, place, owner), Target(chance, expected, planned)


def near(value):
    return pytest.approx(value, rel=1e-12, abs=1e-13)


@given(SLATES)
def test_the_estimators_are_their_formulas(slates):
    log, target = arrays(slates)
    assert Ips().estimate(log, target) == near(formulas.horvitz_thompson(slates))
    assert DirectMethod().estimate(log, target) == near(formulas.direct(slates))
    assert DoublyRobust().estimate(log, target) == near(formulas.doubly_robust(slates))
    for strength in STRENGTHS:
        assert SwitchDoublyRobust(strength).estimate(log, target) == near(formulas.switch(slates, strength))
        shrunk = formulas.optimistic_shrinkage(slates, strength)
        assert ShrinkageDoublyRobust(strength).estimate(log, target) == near(shrunk)
    weight = target.weight(log)
    if all(weight[log.place == place].any() for place in np.unique(log.place)):
        numbers = [list(range(len(slate))) for slate in slates]
        assert Snips().estimate(log, target) == near(formulas.self_normalised(slates, numbers))
    else:
        assert np.isnan(Snips().estimate(log, target))
    if weight.any():
        assert overlap_of(log, target, NOTHING).effective_size == near(formulas.kish(slates))


@given(slates=SLATES, data=st.data())
def test_tau_and_lambda_are_those_of_the_least_error(slates, data):
    owners = data.draw(st.lists(st.integers(0, 3), min_size=len(slates), max_size=len(slates)))
    log, target = arrays(slates, owners)
    *_, switch, shrunk = chosen_estimators(log, target)
    for found, kind in ((switch.tau, "switch"), (shrunk.strength, "shrunk")):
        errors = {one: formulas.squared_error(slates, owners, kind, one) for one in STRENGTHS}
        assert errors[found] <= min(errors.values()) * (1 + 1e-9) + 1e-15


def test_a_log_that_cannot_be_is_refused():
    ones = np.ones(2)
    with pytest.raises(ValueError, match="propensities lie in"):
        Logged.single(ones, np.asarray([0.5, 0.0]), np.arange(2))
    with pytest.raises(ValueError, match="propensities lie in"):
        Logged.single(ones, np.asarray([0.5, np.nan]), np.arange(2))
    with pytest.raises(ValueError, match="one value a row"):
        Logged.single(ones, np.ones(3), np.arange(2))


def test_nothing_in_common_is_not_enough():
    log = Logged.single(np.ones(3), np.full(3, 0.5), np.arange(3))
    nothing = Target(np.zeros(3), np.zeros(3), np.zeros(3))
    with pytest.raises(NotEnoughData, match="would have made too"):
        estimate_value(log, nothing, np.ones(3), nothing)


def test_the_value_of_another_policy_is_found_in_the_log_of_this_one():
    """Three offers are connected with chance 0.1, 0.3 and 0.6; the log shows them with 0.7, 0.2 and 0.1."""
    rng = np.random.default_rng(5)
    truth, shown = np.asarray([0.1, 0.3, 0.6]), np.asarray([0.7, 0.2, 0.1])
    action = rng.choice(3, 20_000, p=shown)
    rewards = (rng.random(20_000) < truth[action]).astype(float)
    log = Logged.single(rewards, shown[action], np.arange(20_000))
    model = np.asarray([0.2, 0.2, 0.2])  # a poor one
    for one in range(3):
        target = Target((action == one).astype(float), model[action], np.full(20_000, model[one]))
        gain = Target(target.chance, 5 * target.expected, 5 * target.planned)
        found = estimate_value(log, target, 5 * rewards, gain)
        for name in ("ips", "snips", "dr"):
            estimate = found.connections[name]
            width = estimate.high - estimate.low
            assert abs(estimate.value - truth[one]) < width < 0.08
            assert found.margin[name].value == pytest.approx(5 * estimate.value)
        assert found.connections["dm"].value == pytest.approx(0.2)
        assert found.overlap.support.low < 1 < found.overlap.support.high
        assert found.overlap.answers == rewards[action == one].sum()
