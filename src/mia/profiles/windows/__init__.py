"""Windows: days of the roll-ups added over the 7, 30 and 90 days before a day, one row a subscriber.

Two ways lead to the same bits. `sum_windows` adds up every day of the longest window; `advance_windows` takes the sums
of one day to the next by adding the day that ended and taking away the days that left a window. All sums are exact, so
nothing drifts.
"""

from mia.profiles.windows.add_up import sum_windows
from mia.profiles.windows.advance import advance_windows, edge_days
from mia.profiles.windows.columns import (
    BITS,
    EVERY_KIND,
    LONGEST,
    WINDOWS,
    DaysSeen,
    Kinds,
    LastCharge,
    Ramp,
    WindowColumn,
    WindowColumns,
    WindowSum,
)

__all__ = [
    "BITS",
    "EVERY_KIND",
    "LONGEST",
    "WINDOWS",
    "DaysSeen",
    "Kinds",
    "LastCharge",
    "Ramp",
    "WindowColumn",
    "WindowColumns",
    "WindowSum",
    "advance_windows",
    "edge_days",
    "sum_windows",
]
