"""Volumes on a dense grid of days, kinds and regions, and what is usual there."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view

from mia.domain.usage import USAGE_KINDS
from mia.frames import Floats, Ints
from mia.tables import KIND, LOCAL_DAY, REGION

WEEK, MONTH = 7, 28
LEAST_WEEKS = 3
ALL = "(all)"
PASSIVE_KINDS = frozenset(kind.name for kind in USAGE_KINDS.values() if not kind.activity)


def usual_of(values: Floats, weeks: int, *, gap: int = 1) -> Floats:
    """Median of the same weekday in `weeks` weeks, along the first axis (days); NaN below 3 known values.

    `values` has the shape (days, ...); NaN in it is not known. The latest of the weeks lies `gap` weeks back.

    >>> float(usual_of(np.array([1.0] * 21 + [9.0]), weeks=8)[-1])
    1.0
    """
    before = np.full((weeks, *values.shape), np.nan)
    for place in range(weeks):
        shift = (gap + place) * WEEK
        if shift < len(values):
            before[place, shift:] = values[:-shift]
    known = (~np.isnan(before)).sum(axis=0)
    before.sort(axis=0)  # NaN goes last
    low = np.take_along_axis(before, np.maximum(known - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(before, np.minimum(known // 2, weeks - 1)[None], axis=0)[0]
    middle: Floats = np.where(known >= LEAST_WEEKS, (low + high) / 2, np.nan)
    return middle


def history_days(weeks: int) -> int:
    """Days before a day that it takes to say what is usual on it."""
    return (weeks - 1) * WEEK + 2 * MONTH


@dataclass(frozen=True, slots=True)
class Level:
    """The judged days at one grain; arrays have the shape (days, kinds, regions).

    `volume` is what is held against `usual`, in records a day: those of the day, or the mean of the 28 days that end
    with it for kinds that follow the calendar month (`monthly`), where a day says little.
    """

    kinds: tuple[str, ...]
    regions: tuple[str, ...]
    records: Ints
    volume: Floats
    usual: Floats
    monthly: frozenset[str]

    @property
    def completeness(self) -> Floats:
        """Volume as a share of what is usual; NaN where nothing is usual yet."""
        shares: Floats = self.volume / np.where(self.usual > 0, self.usual, np.nan)
        return shares


@dataclass(frozen=True)
class Grid:
    """Records of every day from `start` on by kind and region, shape (days, kinds, regions), judged from `judged` on.

    The days before `judged` only say what is usual.
    """

    start: int
    judged: int
    weeks: int
    kinds: tuple[str, ...]
    regions: tuple[str, ...]
    records: Ints

    @property
    def end(self) -> int:
        """The newest day with a record."""
        return self.start + len(self.records) - 1

    @property
    def days(self) -> Ints:
        """The judged days, oldest first."""
        return np.arange(self.judged, self.end + 1)

    @cached_property
    def fine(self) -> Level:
        """By kind and region."""
        return self._level(self.kinds, self.regions, self.records)

    @cached_property
    def by_kind(self) -> Level:
        """By kind, of all regions together."""
        return self._level(self.kinds, (ALL,), self.records.sum(axis=2, keepdims=True))

    @cached_property
    def by_region(self) -> Level:
        """By region, of all kinds together."""
        return self._level((ALL,), self.regions, self.records.sum(axis=1, keepdims=True))

    @cached_property
    def total(self) -> Level:
        """Of everything together."""
        return self._level((ALL,), (ALL,), self.records.sum(axis=(1, 2), keepdims=True))

    def levels(self) -> Iterator[Level]:
        """The grains at which volumes are judged, finest first."""
        yield from (self.fine, self.by_kind, self.by_region)

    def _level(self, kinds: tuple[str, ...], regions: tuple[str, ...], records: Ints) -> Level:
        volume = records.astype(np.float64)
        usual = usual_of(volume, self.weeks)
        # Fees and top-ups come on billing and pay days.
        monthly = [place for place, kind in enumerate(kinds) if kind in PASSIVE_KINDS]
        if monthly:
            volume[:, monthly] = _mean_of_month(records[:, monthly])
            usual[:, monthly] = usual_of(volume[:, monthly], self.weeks, gap=MONTH // WEEK)
        seen = slice(self.judged - self.start, None)
        return Level(kinds, regions, records[seen], volume[seen], usual[seen], PASSIVE_KINDS)


def _mean_of_month(records: Ints) -> Floats:
    means = np.full(records.shape, np.nan)
    if len(records) >= MONTH:
        means[MONTH - 1 :] = sliding_window_view(records, MONTH, axis=0).mean(axis=-1)
    return means


def build_grid(cells: pa.Table, *, judged_from: int, weeks: int) -> Grid:
    """The grid of `mia.quality.scans.count_cells`; days before `judged_from` say what is usual. Raises ValueError
    without cells.
    """
    days = cells[LOCAL_DAY].to_numpy().astype(np.int64)
    kinds, of_kind = np.unique(cells[KIND].to_numpy(zero_copy_only=False), return_inverse=True)
    regions, of_region = np.unique(cells[REGION].to_numpy(zero_copy_only=False), return_inverse=True)
    start = int(days.min())
    records = np.zeros((int(days.max()) - start + 1, len(kinds), len(regions)), np.int64)
    records[days - start, of_kind, of_region] = cells["records"].to_numpy()
    return Grid(start, max(start, judged_from), weeks, tuple(kinds), tuple(regions), records)
