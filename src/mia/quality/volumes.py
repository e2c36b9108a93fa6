"""Checks of volume in time: how fresh usage is, what is missing, what dropped or rose."""

from collections.abc import Callable, Iterator

import numpy as np

from mia.frames import Floats
from mia.quality.check import Example, Finding
from mia.quality.facts import Facts
from mia.quality.grid import ALL, MONTH, Grid, Level
from mia.quality.limits import Limits
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

_Measure = Callable[[Floats], Floats]


def newest_usage(facts: Facts, limits: Limits) -> Finding:  # noqa: ARG001 - the signature of a check
    """Days before as-of that are still empty."""
    newest = date_of(facts.grid.end).isoformat()
    lag = float(facts.as_of - 1 - facts.grid.end)
    return Finding(lag, examples=[Example("the newest day with usage", {"day": newest}, lag)])


def lagging_kind_region(facts: Facts, limits: Limits) -> Finding:
    """The same for each kind and region that brings enough records on an average day."""
    found: list[tuple[int, Example]] = []
    for level in facts.grid.levels():
        present = level.records > 0
        first, last = present.argmax(axis=0), len(present) - 1 - present[::-1].argmax(axis=0)
        mean = level.records.sum(axis=0) / np.maximum(last - first + 1, 1)
        for kind, region in np.argwhere(mean >= limits.minimum_records):
            day = int(facts.grid.days[last[kind, region]])
            lag = facts.as_of - 1 - day
            place = {"day": date_of(day).isoformat(), **_place(level, kind, region)}
            found.append((lag, Example(f"the newest of it, {lag} days old", place, lag)))
    if not found:
        return Finding(None, "no kind and region has the volume to be judged")
    found.sort(key=lambda item: -item[0])
    return Finding(float(found[0][0]), examples=[example for _, example in found])


def newest_load(facts: Facts, limits: Limits) -> Finding:  # noqa: ARG001
    """Days since a file of usage was last loaded."""
    if not facts.loads:
        return Finding(None, "no load has noted its time")
    newest = max(facts.loads, key=lambda load: load.at)
    day = newest.at // (DAY_SECONDS * MICROSECONDS)
    lag = float(max(0, facts.as_of - day))
    place = {"day": date_of(day).isoformat(), "file": newest.file}
    example = Example(f"the newest load, {lag:.0f} days old", place, lag)
    return Finding(lag, f"newest load was on {date_of(day).isoformat()}", [example])


def missing_days(facts: Facts, limits: Limits) -> Finding:  # noqa: ARG001
    """Days without any record."""
    empty = facts.grid.days[facts.grid.total.records[:, 0, 0] <= 0]
    examples = [Example("no record at all", {"day": date_of(int(day)).isoformat()}) for day in empty[::-1]]
    return Finding(float(len(empty)), f"of {len(facts.grid.days):,} days", examples)


def missing_cells(facts: Facts, limits: Limits) -> Finding:
    """Days, kinds and regions without a record, of those that usually have many. Empty days are counted elsewhere."""
    some = facts.grid.total.records > 0
    judged, found = 0, []
    for level in facts.grid.levels():
        wanted = (level.usual >= limits.minimum_records) & some
        judged += int(wanted.sum())
        for day, kind, region in np.argwhere(wanted & (level.volume <= 0)):
            usual = level.usual[day, kind, region]
            text = f"none, usually {usual:,.0f}{_period(level, kind)}"
            place = {"day": _iso(facts.grid, day), **_place(level, kind, region)}
            found.append((usual, Example(text, place)))
    if not judged:
        return Finding(None, "no kind and region has the volume and the weeks to be judged")
    found.sort(key=lambda item: -item[0])
    return Finding(len(found) / judged, f"{len(found):,} of {judged:,}", [example for _, example in found])


def sudden_drop(facts: Facts, limits: Limits) -> Finding:
    """Volume below the median of the same weekday in the weeks before."""
    return _against_usual(facts, limits, lambda share: 1 - share, limits.sudden_drop.warn)


def sudden_rise(facts: Facts, limits: Limits) -> Finding:
    """Volume above the median of the same weekday in the weeks before."""
    return _against_usual(facts, limits, lambda share: share, limits.sudden_rise.warn)


def _against_usual(facts: Facts, limits: Limits, measure: _Measure, warn: float) -> Finding:
    worst: float | None = None
    found: list[tuple[float, Example]] = []
    for level in facts.grid.levels():
        judged = (level.usual >= limits.minimum_records) & (level.volume > 0)
        if not judged.any():
            continue
        value = np.where(judged, measure(level.completeness), -np.inf)
        worst = float(value.max()) if worst is None else max(worst, float(value.max()))
        found += _cells(facts.grid, level, value, warn)
    if worst is None:
        return Finding(None, "no kind and region has the volume and the weeks to be judged")
    # What moves the most records says most.
    found.sort(key=lambda item: -item[0])
    return Finding(max(worst, 0.0), f"{len(found):,} beyond the limit" if found else "", [item[1] for item in found])


def _cells(grid: Grid, level: Level, value: Floats, warn: float) -> Iterator[tuple[float, Example]]:
    for day, kind, region in np.argwhere(value > warn):
        volume, usual = level.volume[day, kind, region], level.usual[day, kind, region]
        text = f"{volume:,.0f} records, usually {usual:,.0f}{_period(level, kind)}"
        place = {"day": _iso(grid, day), **_place(level, kind, region)}
        yield abs(usual - volume), Example(text, place, float(value[day, kind, region]))


def _place(level: Level, kind: int, region: int) -> dict[str, str]:
    names = {"kind": level.kinds[kind], "region": level.regions[region]}
    return {key: name for key, name in names.items() if name != ALL}


def _period(level: Level, kind: int) -> str:
    return f" a day over {MONTH} days" if level.kinds[kind] in level.monthly else ""


def _iso(grid: Grid, place: int) -> str:
    return date_of(int(grid.days[place])).isoformat()
