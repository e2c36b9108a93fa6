"""A scenario: what it takes to make a simulated world again, and the random streams everything is drawn from.

Subscribers are made in blocks of a fixed size. Every block, stage and month draws from a stream of its own, so the
result depends neither on the machine nor on the order in which blocks are made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mia.domain.region import REGIONS
from mia.errors import InvalidInput
from mia.frames import Floats, Ints
from mia.timeline import DAY_SECONDS, date_of, month_number, month_start

BLOCK_SIZE = 4_000
HORIZON_MONTHS = 1  # trips are drawn this far ahead: people look for roaming before they leave

_HOLIDAYS = {(1, day) for day in range(1, 9)} | {(2, 23), (3, 8), (5, 1), (5, 2), (5, 3), (5, 9), (5, 10), (6, 12)}


class Stage(IntEnum):
    """What a random stream is used for."""

    WORLD = 0
    POPULATION = 1
    NEEDS = 2
    TRIPS = 3
    USAGE = 4
    VISITS = 5
    LIVE = 6


@dataclass(frozen=True, slots=True)
class Block:
    """Subscribers `first` to `first + size - 1` of a scenario."""

    index: int
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """`subscribers` people over `months` months from `start` (month number); raises InvalidInput out of range.

    Contracts begin within the `founding` months, all of them unless said otherwise.

    >>> [block.size for block in Scenario(subscribers=9_000, months=1, seed=1).blocks()]
    [4000, 4000, 1000]
    """

    subscribers: int
    months: int
    seed: int
    start: int = month_number("2021-01")
    founding: int | None = None

    def __post_init__(self) -> None:
        for name, value, most in (("subscribers", self.subscribers, 9_999_999), ("months", self.months, 120)):
            if not 1 <= value <= most:
                raise InvalidInput(f"{name} must lie between 1 and {most}, not {value}")
        if self.seed < 0:
            raise InvalidInput(f"seed must not be negative, not {self.seed}")

    @property
    def first_day(self) -> int:
        """First local day of the scenario."""
        return month_start(self.start)

    @property
    def end_day(self) -> int:
        """First local day after the scenario."""
        return month_start(self.start + self.months)

    @property
    def founded(self) -> "Scenario":
        """The scenario of the founding months alone."""
        return self if self.founding is None else replace(self, months=self.founding, founding=None)

    def through(self, month: int) -> "Scenario":
        """The same world lived on to the end of a month (its number), which lies at or after the present end: what
        happened before stays as it was, and nobody joins any more.
        """
        founding = self.months if self.founding is None else self.founding
        return replace(self, months=max(month + 1 - self.start, self.months), founding=founding)

    def blocks(self) -> Iterator[Block]:
        """The blocks of subscribers, in order."""
        for index, first in enumerate(range(0, self.subscribers, BLOCK_SIZE)):
            yield Block(index, first, min(BLOCK_SIZE, self.subscribers - first))

    def stream(self, stage: Stage, block: int = 0, month: int = 0) -> np.random.Generator:
        """The random stream of one stage of one block and month."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(int(stage), block, month)))


@dataclass(frozen=True, slots=True)
class Month:
    """The local days of one month, and which of them are free days (weekend or public holiday)."""

    number: int
    days: Ints
    free: NDArray[np.bool_]

    @classmethod
    def of(cls, number: int) -> "Month":
        """The month of this number."""
        days = np.arange(month_start(number), month_start(number + 1))
        dates = [date_of(int(day)) for day in days]
        free = np.array([date.weekday() >= 5 or (date.month, date.day) in _HOLIDAYS for date in dates])
        return cls(number, days, free)

    def draw_days(self, rng: np.random.Generator, leisure: Floats) -> Ints:
        """One day for every entry of `leisure`, the weight of a free day against a working day."""
        working, free = self.days[~self.free], self.days[self.free]
        share = leisure * len(free) / (leisure * len(free) + len(working))
        on_free = rng.random(len(leisure)) < share
        spot = rng.random(len(leisure))
        drawn: Ints = np.where(
            on_free, free[(spot * len(free)).astype(int)], working[(spot * len(working)).astype(int)]
        )
        return drawn


ZONES: tuple[str, ...] = tuple(dict.fromkeys(region.timezone for region in REGIONS.values()))


@dataclass(frozen=True, slots=True)
class Clock:
    """Local time to UTC, for the zones of the regions. `offsets` is zones x days, in seconds."""

    first_day: int
    offsets: Ints

    @classmethod
    def over(cls, first_day: int, end_day: int) -> "Clock":
        """The clock of the days [first_day, end_day); the offset is the one in force at noon."""
        noons = [
            datetime.combine(date_of(day), datetime.min.time()).replace(hour=12) for day in range(first_day, end_day)
        ]
        offsets = [[_seconds_ahead(noon, ZoneInfo(zone)) for noon in noons] for zone in ZONES]
        return cls(first_day, np.array(offsets))

    def to_utc(self, zone: Ints, local: Ints) -> Ints:
        """Seconds since the epoch in UTC of local seconds since the epoch; `zone` is a position in `ZONES`."""
        day = np.clip(local // DAY_SECONDS - self.first_day, 0, self.offsets.shape[1] - 1)
        return local - self.offsets[zone, day]


def _seconds_ahead(noon: datetime, zone: ZoneInfo) -> int:
    offset = noon.replace(tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0
