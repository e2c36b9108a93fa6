"""Checks of quantities and charges: whole days whose values moved, and single values out of all proportion."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Floats, Ints
from mia.quality.check import Example, Finding, rounded
from mia.quality.facts import Facts
from mia.quality.grid import usual_of
from mia.quality.limits import Limits
from mia.quality.scans import QUANTILES, VALUES
from mia.tables import KIND, LOCAL_DAY
from mia.timeline import date_of

_NAMES = ("median", "99 % quantile")
_NEEDS = (1, 10)
"""Multiples of `minimum_records` that it takes to compare a quantile of one day."""


def value_jump(facts: Facts, limits: Limits) -> Finding:
    """Factor between a daily quantile of what is above 0 and its median on that weekday in the weeks before."""
    worst: list[float] = []
    found: list[Example] = []
    judged = facts.grid.judged - facts.grid.start
    for kind in facts.grid.kinds:
        for value in VALUES:
            daily = _quantiles(facts, kind, value, [need * limits.minimum_records for need in _NEEDS])
            usual = usual_of(daily, limits.weeks)[judged:]
            daily = daily[judged:]
            factor = np.maximum(daily / usual, usual / daily)
            worst += [float(factor[~np.isnan(factor)].max(initial=-np.inf))]
            for day, place in np.argwhere(factor > limits.value_jump.warn):
                is_now, was = rounded(daily[day, place]), rounded(usual[day, place])
                when = date_of(int(facts.grid.days[day])).isoformat()
                text = f"{_NAMES[place]} of {value} is {is_now}, usually {was}"
                found.append(Example(text, {"day": when, "kind": kind}, float(factor[day, place])))
    return _finding(worst, found, "no kind has the volume and the weeks to be judged")


def extreme_value(facts: Facts, limits: Limits) -> Finding:
    """The largest value of each kind as a multiple of the median of its daily 99 % quantiles."""
    worst: list[float] = []
    found: list[Example] = []
    for kind in facts.grid.kinds:
        rows = _rows(facts, kind, facts.grid.judged)
        for value in VALUES:
            highest = _quantiles(facts, kind, value, [limits.minimum_records] * len(QUANTILES))[:, -1]
            highest = highest[~np.isnan(highest)]
            if not len(highest):
                continue
            usual = float(np.median(highest))
            factor = rows[f"{value}_largest"].to_numpy() / usual
            worst += [float(factor[~np.isnan(factor)].max(initial=-np.inf))]
            for place in np.flatnonzero(factor > limits.extreme_value.warn):
                row = rows.slice(int(place), 1).to_pylist()[0]
                text = f"{value} of {rounded(row[f'{value}_largest'])}, 99 % are below {rounded(usual)}"
                when, who = date_of(row[LOCAL_DAY]).isoformat(), row[f"{value}_subscriber"]
                found.append(Example(text, {"day": when, "kind": kind, "subscriber": who}, float(factor[place])))
    return _finding(worst, found, "no kind has the volume to be judged")


def _finding(worst: list[float], found: list[Example], otherwise: str) -> Finding:
    value = max(worst, default=-np.inf)
    if value == -np.inf:
        return Finding(None, otherwise)
    found.sort(key=lambda example: -(example.value or 0.0))
    return Finding(value, f"{len(found):,} beyond the limit" if found else "", found)


def _rows(facts: Facts, kind: str, since: int) -> pa.Table:
    table = facts.values
    return table.filter(pc.and_(pc.equal(table[KIND], kind), pc.greater_equal(table[LOCAL_DAY], since)))


def _quantiles(facts: Facts, kind: str, value: str, least: Sequence[int]) -> Floats:
    """Quantiles of every day of the grid, shape (days, quantiles); NaN where fewer values than `least` are above 0."""
    rows = _rows(facts, kind, facts.grid.start)
    daily = np.full((len(facts.grid.records), len(QUANTILES)), np.nan)
    for place, number in enumerate(least):
        enough = rows.filter(pc.greater_equal(rows[f"{value}_count"], number))
        days: Ints = enough[LOCAL_DAY].to_numpy().astype(np.int64) - facts.grid.start
        daily[days, place] = pc.list_element(enough[f"{value}_quantiles"], place).to_numpy()
    return daily
