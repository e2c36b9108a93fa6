"""Growth of a headline, and how far chance alone could have moved it."""

import numpy as np
import pytest

from mia.uptake.headline import LEVEL, Headline, ratio_interval

RUNS = 2_000


@pytest.mark.parametrize(("then", "now"), [(30, 45), (100, 100), (400, 40)])
def test_intervals_hold_as_often_as_they_say(then: int, now: int) -> None:
    chance = np.random.default_rng(then)
    counts = zip(chance.poisson(now, RUNS).tolist(), np.maximum(chance.poisson(then, RUNS), 1).tolist(), strict=True)
    found = [ratio_interval(count, base) for count, base in counts]
    held = sum(low <= now / then <= high for low, high in found) / RUNS
    assert LEVEL - 0.015 <= held <= LEVEL + 0.03


def test_growth_lies_in_its_interval_and_has_none_on_a_small_base() -> None:
    headline = Headline("Urals", "2021-01", "2021-06", 100, 150, 120, 800, True, 30)
    low, high = headline.growth_interval
    assert low < headline.growth_percent < high
    low, high = headline.monthly_growth_interval
    assert low < headline.monthly_growth_percent < high
    small = Headline("Urals", "2021-01", "2021-06", 10, 15, 12, 80, True, 30)
    assert (small.growth_interval, small.monthly_growth_interval) == (None, None)


def test_nothing_since_the_baseline_leaves_an_upper_end() -> None:
    low, high = Headline("Urals", "2021-01", "2021-02", 100, 0, 100, 100, True).growth_interval
    assert low == 0
    assert 0 < high < 10
