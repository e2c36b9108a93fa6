"""Off-policy evaluation on the Open Bandit sample; docs/ranking.md sets these values beside the published ones."""

import numpy as np
import pytest
from tests.fakes import off_policy_formulas as formulas
from tests.fakes.open_bandit import CAMPAIGNS, PLACES, load_open_bandit, load_posterior
from tests.fakes.reward_model import cross_fitted
from tests.fakes.thompson import thompson_places

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
    overlap_of,
)
from mia.evaluation.off_policy.tuning import STRENGTHS


def logged_and_target(behaviour: str, campaign: str) -> tuple[Logged, Target]:
    """The log of one policy, and the other policy as target."""
    rows, items = load_open_bandit(behaviour, campaign), CAMPAIGNS[campaign]
    chances = thompson_places(*load_posterior(campaign), PLACES)
    if behaviour == "bts":
        chances = np.full((items, PLACES), 1 / items)
    model = cross_fitted(rows.item, rows.place, rows.click, items, PLACES)
    log = Logged(rows.click, rows.propensity, np.arange(len(rows)), rows.place, np.arange(len(rows)))
    every = np.arange(len(rows))
    return log, Target(
        chances[rows.item, rows.place],
        model[every, rows.item, rows.place],
        np.einsum("ri,ir->r", model[every, :, rows.place], chances[:, rows.place]),
    )


@pytest.mark.parametrize("behaviour", ["random", "bts"])
@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("size", [1, PLACES])
def test_every_estimator_is_its_published_formula(behaviour: str, campaign: str, size: int) -> None:
    """By single places, and with rows that follow each other taken as slates, to 1e-12."""
    log, target = logged_and_target(behaviour, campaign)
    number = np.arange(len(log)) // size
    place = np.arange(len(log)) % size
    log = Logged(log.reward, log.propensity, number, place, number)
    rows = list(zip(log.reward, log.propensity, target.chance, target.expected, target.planned, strict=True))
    slates = [rows[start : start + size] for start in range(0, len(rows), size)]
    places = [list(range(len(slate))) for slate in slates]
    expected = {
        Ips(): formulas.horvitz_thompson(slates),
        Snips(): formulas.self_normalised(slates, places),
        DirectMethod(): formulas.direct(slates),
        DoublyRobust(): formulas.doubly_robust(slates),
        **{SwitchDoublyRobust(tau): formulas.switch(slates, tau) for tau in STRENGTHS},
        **{ShrinkageDoublyRobust(one): formulas.optimistic_shrinkage(slates, one) for one in STRENGTHS},
    }
    for estimator, value in expected.items():
        assert estimator.estimate(log, target) == pytest.approx(value, rel=1e-12, abs=0), estimator
    assert overlap_of(log, target, Estimate(1, 1, 1)).effective_size == pytest.approx(formulas.kish(slates), rel=1e-12)
    *_, switch, shrunk = chosen_estimators(log, target)
    owners = list(range(len(slates)))
    for found, kind in ((switch.tau, "switch"), (shrunk.strength, "shrunk")):
        errors = {one: formulas.squared_error(slates, owners, kind, one) for one in STRENGTHS}
        assert errors[found] <= min(errors.values()) * (1 + 1e-9)


def test_the_chances_of_thompson_sampling_are_those_that_were_published() -> None:
    """The authors drew 100,000 times; the first and last rows of what came out stand in their quickstart notebook."""
    found = thompson_places(*load_posterior("all"), PLACES)
    assert found.sum(axis=0) == pytest.approx(np.ones(PLACES), rel=1e-12)
    published = {
        0: [0.01078, 0.00931, 0.00917],
        1: [0.00167, 0.00077, 0.00076],
        2: [0.0058, 0.00614, 0.00631],
        77: [0.0008, 0.00087, 0.00071],
        78: [0.00689, 0.00724, 0.00755],
        79: [0.0582, 0.07603, 0.07998],
    }
    for item, values in published.items():
        assert (np.abs(found[item] - values) <= 4 * np.sqrt(found[item] / 100_000)).all(), item


def test_the_value_is_the_published_one() -> None:
    """0.004553 by IPS with drawn chances of the target; with exact ones a little more."""
    log, target = logged_and_target("random", "all")
    assert log.reward.mean() == pytest.approx(0.0038)
    assert Ips().estimate(log, target) == pytest.approx(0.004553, abs=3e-5)
