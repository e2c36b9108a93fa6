"""The watermark: up to when all events have arrived, judged by how late events came so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

import numpy as np

from mia.frames import Ints
from mia.timeline import DAY_SECONDS, MICROSECONDS, epoch_micros

HOUR = 3_600 * MICROSECONDS
DAY = DAY_SECONDS * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How events came in, up to some ledger position.

    `newest` is the latest `occurred_at`; events of one commit come at once, so an event is late by how far it lies
    behind the newest event of the commits before: `late` counts events by that in hours, rounded up. `recorded_at` and
    `frontier` are the time of the last commit and the newest event before it. Times in microseconds, None at first.
    """

    newest: int | None = None
    recorded_at: int | None = None
    frontier: int | None = None
    late: Mapping[int, int] = field(default_factory=dict)

    def lateness(self, late_share: float, history_hours: int) -> int:
        """Hours within which all but `late_share` of the events came; those more than `history_hours` late are history
        that was loaded afterwards and tell nothing of the days to come.

        >>> Arrivals(late={0: 990, 5: 8, 30: 2, 9_000: 500}).lateness(0.005, 1_080)
        5
        """
        counts = sorted((hours, count) for hours, count in self.late.items() if hours <= history_hours)
        total = sum(count for _, count in counts)
        seen = 0
        for hours, count in counts:
            seen += count
            if total - seen <= late_share * total:
                return hours
        return 0


def extend_arrivals(known: Arrivals, recorded_at: Ints, occurred_at: Ints) -> Arrivals:
    """Take in n events in order of their positions.

    >>> first = extend_arrivals(Arrivals(), np.array([1, 1]), np.array([10 * HOUR, 4 * HOUR]))
    >>> dict(extend_arrivals(first, np.array([2]), np.array([7 * HOUR])).late)
    {0: 2, 3: 1}
    """
    if not len(occurred_at):
        return known
    starts = np.flatnonzero(np.diff(recorded_at, prepend=recorded_at[0] - 1))
    tops = np.maximum.reduceat(occurred_at, starts)
    before = np.full(len(starts), np.iinfo(np.int64).min)
    if known.newest is not None:
        before[0] = known.newest
    if known.recorded_at == int(recorded_at[0]):
        # The commit was only read up to its middle: what came before it is still what it is measured by.
        before[0] = np.iinfo(np.int64).min if known.frontier is None else known.frontier
    newest = np.maximum.accumulate(tops if known.newest is None else np.maximum(tops, known.newest))
    before[1:] = newest[:-1]
    frontier = np.repeat(before, np.diff(np.append(starts, len(occurred_at))))
    behind = np.where(frontier > occurred_at, frontier - np.minimum(frontier, occurred_at), 0)
    hours, counts = np.unique(-(-behind // HOUR), return_counts=True)
    late = dict(known.late)
    for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
        late[hour] = late.get(hour, 0) + count
    none = before[-1] == np.iinfo(np.int64).min
    return Arrivals(int(newest[-1]), int(recorded_at[-1]), None if none else int(before[-1]), late)


def arrived_day(arrivals: Arrivals, lateness_hours: int, zones: Sequence[str]) -> int | None:
    """The last local day that had ended in every time zone when the watermark was reached; None without events.

    The watermark is the newest event less the lateness.

    >>> from mia.timeline import date_of
    >>> newest = Arrivals(newest=epoch_micros(datetime(2021, 2, 1, 0, 30)))
    >>> date_of(arrived_day(newest, 0, ["UTC"])).isoformat()
    '2021-01-31'
    >>> date_of(arrived_day(newest, 0, ["Asia/Yekaterinburg", "America/New_York"])).isoformat()
    '2021-01-30'
    """
    if arrivals.newest is None:
        return None
    mark = arrivals.newest - lateness_hours * HOUR
    day = ceil(mark / DAY) + 1
    while max(_midnight(day + 1, zone) for zone in zones) > mark:
        day -= 1
    return day


def _midnight(day: int, zone: str) -> int:
    """When a local day begins, in microseconds."""
    local = datetime(1970, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - the zone comes next
    return epoch_micros(local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
