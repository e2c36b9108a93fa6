import numpy as np

from mia.domain.region import REGIONS
from mia.simulator.lifestyles import LIFESTYLES
from mia.simulator.population import REGION_NAMES, draw_population, join_populations
from mia.simulator.scenario import ZONES, Block


def test_about_a_third_lives_in_the_urals(world):
    urals = [REGIONS[REGION_NAMES[region]].macro_region == "Urals" for region in world.people.region]
    assert 0.30 < np.mean(urals) < 0.42


def test_most_live_in_the_time_zone_of_their_region(world):
    people = world.people
    own = np.array([ZONES.index(REGIONS[REGION_NAMES[region]].timezone) for region in people.region])
    assert ((people.zone != own) == people.moved).all()
    assert 0 < people.moved.mean() < 0.04


def test_contracts_begin_before_and_during_and_some_end(world):
    people, scenario = world.people, world.scenario
    during = people.activated >= scenario.first_day
    assert 0.03 < during.mean() < 0.12
    assert (people.activated < scenario.end_day).all()
    left = people.left < scenario.end_day
    assert 0.001 < left.mean() < 0.05
    assert (people.left > people.activated).all()


def test_seniors_are_old_and_use_little_data(world):
    people = world.people
    senior = people.lifestyle == [style.name for style in LIFESTYLES].index("senior")
    assert people.born[senior].mean() < people.born[~senior].mean() - 20
    assert np.median(people.data_mb[senior]) < 0.2 * np.median(people.data_mb[~senior])


def test_a_block_is_the_same_whoever_asks(world):
    scenario = world.scenario
    whole = draw_population(scenario, Block(0, 0, 1_500))
    assert (whole.thrift == world.people.thrift).all()
    other = draw_population(scenario, Block(1, 1_500, 1_500))
    assert not (other.thrift == whole.thrift).any()
    both = join_populations([whole, other])
    assert (both.number == np.arange(3_000)).all()
    assert both.apps.shape == (3_000, whole.apps.shape[1])
