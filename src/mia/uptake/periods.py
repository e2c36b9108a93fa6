"""Months, ISO weeks and days as plain numbers, and how they are called."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from mia.errors import InvalidInput
from mia.frames import Ints
from mia.timeline import EPOCH, date_of, month_of, month_start, month_text


@dataclass(frozen=True, slots=True)
class Grain:
    """A kind of period: `number` of a local day, `start` is the first local day of a number, `text` names it."""

    name: str
    number: Callable[[int], int]
    start: Callable[[int], int]
    text: Callable[[int], str]

    def end(self, period: int) -> int:
        """The last local day of a period."""
        return self.start(period + 1) - 1

    def numbers(self, days: Ints) -> Ints:
        """The period of each of n days."""
        if not len(days):
            return days
        first = self.number(int(days.min()))
        last = self.number(int(days.max()))
        starts = np.array([self.start(period) for period in range(first, last + 1)], np.int64)
        found: Ints = first + np.searchsorted(starts, days, side="right") - 1
        return found


def week_number(day: int) -> int:
    """Weeks begin on Monday; week 0 began on 29 December 1969.

    >>> week_number(0), week_number(3), week_number(4)
    (0, 0, 1)
    """
    return (day + 3) // 7


def week_text(week: int) -> str:
    """An ISO week.

    >>> week_text(week_number(18_628)), week_text(week_number(18_631))
    ('2020-W53', '2021-W01')
    """
    year, number, _ = (EPOCH + timedelta(days=7 * week - 3)).isocalendar()
    return f"{year:04d}-W{number:02d}"


MONTH = Grain("month", month_of, month_start, month_text)
GRAINS = {
    grain.name: grain
    for grain in (
        MONTH,
        Grain("week", week_number, lambda week: 7 * week - 3, week_text),
        Grain("day", lambda day: day, lambda day: day, lambda day: date_of(day).isoformat()),
    )
}
"""Lengths of periods that figures can be asked for."""


def require_grain(name: str) -> Grain:
    """A grain by name; raises InvalidInput."""
    if name not in GRAINS:
        raise InvalidInput(f"must be one of {', '.join(GRAINS)}, not {name!r}", parameter="grain")
    return GRAINS[name]
