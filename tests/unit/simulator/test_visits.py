import numpy as np
import pytest

from mia.simulator.scenario import Month, Stage
from mia.simulator.visits import ATTRIBUTION, FAR, SLATE, Offered, Standing, build_calendar, draw_visits, join_offered


@pytest.fixture(scope="module")
def offered(world):
    scenario, people, response = world.scenario, world.people, world.response
    calendar, standing = build_calendar(scenario, response), Standing(len(people), len(response.offers))
    months = [Month.of(scenario.start + index) for index in range(scenario.months)]
    return join_offered(
        [
            draw_visits(
                scenario, people, response, calendar, standing, month, scenario.stream(Stage.VISITS, 0, month.number)
            )
            for month in months
        ]
    )


def available_counts(offered: Offered):
    """Number of available offers, which the propensity tells: 0.5 / n, or 0.5 / n + 0.5."""
    rest = np.where(offered.propensity > 0.5, offered.propensity - 0.5, offered.propensity)
    return 0.5 / rest


def test_propensities_are_those_of_the_policy(offered):
    count = available_counts(offered)
    assert count == pytest.approx(np.round(count), abs=1e-6)
    assert (count >= SLATE).all()
    promoted = offered.propensity > 0.5
    expected = 0.5 + 0.5 / count
    spread = np.sqrt((expected * (1 - expected)).sum())
    # slates are drawn as a whole, so the three positions of a visit move together
    assert abs(promoted.sum() - expected.sum()) < 4 * spread * SLATE**0.5


def test_inverse_propensities_count_the_offers(offered):
    """Over many visits the sum of 1 / propensity at a position estimates the number of available offers."""
    first = offered.position == 1
    estimate, truth = (1 / offered.propensity[first]).mean(), available_counts(offered)[first].mean()
    error = (1 / offered.propensity[first]).std() / np.sqrt(first.sum())
    assert abs(estimate - truth) < 4 * error


def test_a_visit_shows_different_offers_in_order(offered):
    visit = offered.row * 2**36 + offered.shown
    order = np.lexsort((offered.position, visit))
    _, counts = np.unique(visit[order], return_counts=True)
    assert (counts % SLATE == 0).all()
    assert len(np.unique(np.stack([offered.row, offered.number]), axis=1).T) == len(offered.row)


def test_nothing_is_shown_that_is_connected_or_was_declined_lately(offered):
    for row in np.unique(offered.row[offered.connected < FAR])[:200]:
        mine = offered.row == row
        took = mine & (offered.connected < FAR)
        for place in np.flatnonzero(took):
            again = mine & (offered.offer == offered.offer[place]) & (offered.shown > offered.shown[place])
            assert not (offered.shown[again] < offered.disconnected[place]).any()
    declined = np.flatnonzero(offered.declined < FAR)[:500]
    for place in declined:
        same = (offered.row == offered.row[place]) & (offered.offer == offered.offer[place])
        soon = same & (offered.shown > offered.shown[place]) & (offered.shown < offered.declined[place] + 30 * 86_400)
        assert not soon.any()


def test_validity_regions_and_contracts_hold(world, offered):
    day = offered.shown // 86_400
    assert (day >= world.offers.opens[offered.offer]).all()
    assert (day < world.offers.closes[offered.offer]).all()
    assert world.offers.regions[offered.offer, world.people.region[offered.row]].all()
    assert world.offers.channels[offered.offer, offered.channel].all()
    assert (day >= world.people.activated[offered.row]).all()
    assert (day < world.people.left[offered.row]).all()


def test_what_follows_comes_in_order_and_within_the_window(offered):
    took = offered.connected < FAR
    assert (offered.connected[took] > offered.shown[took]).all()
    assert (offered.connected[took] < offered.shown[took] + ATTRIBUTION).all()
    assert (offered.disconnected[took] > offered.connected[took]).all()
    clicked = took & (offered.clicked < FAR)
    assert (offered.clicked[clicked] < offered.connected[clicked]).all()
    assert not (took & (offered.declined < FAR)).any()
    assert ((offered.connected - offered.shown)[took] < 3 * 86_400).mean() > 0.8


def test_people_connect_as_often_as_the_truth_says(world, offered):
    took = offered.connected < FAR
    expected = offered.acceptance.sum()
    assert abs(took.sum() - expected) < 4 * np.sqrt((offered.acceptance * (1 - offered.acceptance)).sum())
    assert 0.02 < offered.acceptance.mean() < 0.07
    high = offered.acceptance > np.quantile(offered.acceptance, 0.9)
    assert took[high].mean() > 4 * took[~high].mean()


def test_the_oracle_knows_the_probability_of_every_impression(world, offered):
    some = np.arange(0, len(offered.row), 7)
    asked = world.acceptance(
        offered.row[some],
        offered.offer[some],
        offered.shown[some] // 86_400,
        offered.channel[some],
        offered.position[some],
    )
    assert asked == pytest.approx(offered.acceptance[some], rel=1e-9)


def test_no_visits_are_no_impressions():
    assert len(join_offered([]).row) == 0
