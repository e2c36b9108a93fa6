from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.errors import InvalidInput
from mia.simulator.scenario import BLOCK_SIZE, ZONES, Clock, Month, Scenario, Stage
from mia.timeline import day_of, month_number


@given(st.integers(1, 50_000))
def test_blocks_cover_every_subscriber_once(subscribers):
    blocks = list(Scenario(subscribers, 1, 0).blocks())
    assert blocks[0].first == 0
    assert sum(block.size for block in blocks) == subscribers
    assert all(later.first == earlier.first + BLOCK_SIZE for earlier, later in pairwise(blocks))


def test_each_stage_block_month_and_seed_draws_from_its_own_stream():
    scenario = Scenario(1, 1, 5)
    draws = [
        scenario.stream(Stage.USAGE).random(),
        scenario.stream(Stage.VISITS).random(),
        scenario.stream(Stage.USAGE, 1).random(),
        scenario.stream(Stage.USAGE, 0, 1).random(),
        Scenario(1, 1, 6).stream(Stage.USAGE).random(),
    ]
    assert len(set(draws)) == len(draws)
    assert draws[0] == Scenario(9, 3, 5).stream(Stage.USAGE).random()


@pytest.mark.parametrize(
    ("values", "word"),
    [((0, 1, 1), "subscribers"), ((1, 0, 1), "months"), ((1, 1, -1), "seed"), ((1, 121, 1), "months")],
)
def test_impossible_scenarios_are_refused_by_name(values, word):
    with pytest.raises(InvalidInput, match=word):
        Scenario(*values)


def test_free_days_are_weekends_and_holidays():
    month = Month.of(month_number("2021-05"))
    free = {int(day) for day in month.days[month.free]}
    assert day_of(date(2021, 5, 3)) in free  # a holiday on a Monday
    assert day_of(date(2021, 5, 8)) in free  # a Saturday
    assert day_of(date(2021, 5, 12)) not in free


def test_days_are_drawn_within_the_month_and_lean_to_leisure():
    month, rng = Month.of(month_number("2021-03")), np.random.default_rng(1)
    drawn = month.draw_days(rng, np.full(20_000, 3.0))
    assert np.isin(drawn, month.days).all()
    free = month.free.sum()
    expected = 3 * free / (3 * free + (~month.free).sum())
    assert np.isin(drawn, month.days[month.free]).mean() == pytest.approx(expected, abs=0.02)


@given(st.sampled_from(ZONES), st.integers(0, 180 * 86_400 - 1))
def test_clock_agrees_with_the_time_zone_database(zone, second):
    first = day_of(date(2021, 1, 1))
    local = first * 86_400 + second
    naive = datetime.fromtimestamp(local, UTC).replace(tzinfo=None)
    expected = int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp())
    clock = Clock.over(first, first + 181)
    assert clock.to_utc(np.array([ZONES.index(zone)]), np.array([local])) == [expected]
