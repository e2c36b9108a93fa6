"""The usage of a month that is lived, as an operator's billing would deliver it afterwards."""

from pathlib import Path

import numpy as np

from mia.simulator.files import ParquetFile, usage_table
from mia.simulator.living import LivingMonth
from mia.simulator.population import draw_population
from mia.simulator.scenario import Clock, Stage
from mia.simulator.usage import draw_usage

RECORDS_A_MONTH = 1_000_000
"""More than anybody has; ids of records of different months never meet."""


def write_usage(month: LivingMonth, path: Path) -> int:
    """Write the canonical records of the month into a parquet file; the same month gives the same bytes."""
    scenario, number = month.world.scenario, month.month.number
    clock = Clock.over(int(month.month.days[0]) - 1, int(month.month.days[-1]) + 2)
    with ParquetFile(path) as file:
        for block in scenario.blocks():
            people = draw_population(scenario, block)
            records = draw_usage(scenario, people, month.month, scenario.stream(Stage.USAGE, block.index, number))
            place = np.arange(len(records)) - np.searchsorted(records.row, records.row)
            file.write(usage_table(people, clock, records, number * RECORDS_A_MONTH + place))
        return file.rows
