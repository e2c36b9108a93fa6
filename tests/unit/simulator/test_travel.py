import numpy as np
import pytest

from mia.simulator.scenario import Block, Scenario
from mia.simulator.travel import INTERNATIONAL, LONGEST, NATIONAL, draw_trips
from mia.timeline import month_number, month_start

SCENARIO = Scenario(subscribers=2_000, months=6, seed=3)


def away_days(rates):
    return draw_trips(SCENARIO, Block(0, 0, 2_000), np.tile(rates, (2_000, 1)))


def test_who_does_not_travel_stays_home():
    assert not away_days([0.0, 0.0]).any()


def test_trips_are_of_their_kind_and_not_endless():
    away = away_days([0.05, 0.0])
    assert set(np.unique(away)) == {0, NATIONAL}
    padded = np.pad(away > 0, ((0, 0), (1, 1)))
    begins, ends = np.nonzero(padded[:, 1:] & ~padded[:, :-1]), np.nonzero(~padded[:, 1:] & padded[:, :-1])
    lengths = ends[1] - begins[1]
    assert lengths.max() <= 2 * LONGEST
    assert np.median(lengths) == pytest.approx(7, abs=1)


def test_people_travel_more_in_june_than_in_february():
    away = away_days([0.0, 0.1])
    first = SCENARIO.first_day

    def share(month):
        number = month_number(month)
        return (away[:, month_start(number) - first : month_start(number + 1) - first] == INTERNATIONAL).mean()

    assert share("2021-06") > 1.5 * share("2021-02") > 0
