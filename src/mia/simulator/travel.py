"""Trips: on which days a subscriber is away, in the country or abroad."""

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats
from mia.simulator.scenario import HORIZON_MONTHS, Block, Scenario, Stage
from mia.timeline import month_start

HOME, NATIONAL, INTERNATIONAL = 0, 1, 2
LOOK_AHEAD = 12  # days before a trip in which people look for roaming
LONGEST = 21

# Wish to travel by month of the year: before the May holidays and in summer it grows.
_SEASON = np.array([1.2, 0.7, 0.8, 1.4, 1.7, 2.0, 2.4, 2.2, 1.3, 0.8, 0.7, 1.1])


def draw_trips(scenario: Scenario, block: Block, rates: Floats) -> NDArray[np.int8]:
    """Where everyone of a block is: n x days of HOME, NATIONAL or INTERNATIONAL.

    `rates` is n x 2, trips a month of either kind. The days run from the start of the scenario to a month past its
    end.
    """
    first = scenario.first_day
    months = range(scenario.start, scenario.start + scenario.months + HORIZON_MONTHS)
    away = np.zeros((block.size, month_start(months[-1] + 1) - first), np.int8)
    for month in months:
        rng = scenario.stream(Stage.TRIPS, block.index, month)
        counts = rng.poisson(rates * _SEASON[month % 12])
        for kind in (NATIONAL, INTERNATIONAL):
            row = np.repeat(np.arange(block.size), counts[:, kind - 1])
            begin = rng.integers(month_start(month), month_start(month + 1), len(row)) - first
            length = np.minimum(2 + rng.poisson(5 if kind == NATIONAL else 8, len(row)), LONGEST)
            for step in range(LONGEST):
                there = (length > step) & (begin + step < away.shape[1])
                away[row[there], begin[there] + step] = kind
    return away
