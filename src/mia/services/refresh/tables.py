"""The lake's tables that a refresh makes, and how their files are told apart."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from mia.ports import LakeFile
from mia.profiles.daily import KEY_MEASURES
from mia.tables import KNOWN_DAY, LOCAL_DAY, SUBSCRIBER_ID

Progress = Callable[[str, int, int], None]
DAILY, DAILY_KEYS, SUBSCRIBERS, USAGE = "daily", "daily_keys", "subscribers", "usage"
WINDOW_SUMS, KEY_SUMS = "window_sums", "key_sums"
LATE = "late_days"
RANGE_SUBSCRIBERS = 200_000
"""Subscribers whose window sums are worked on at once; it bounds memory."""
NO_KEYS = pa.schema(
    [
        (SUBSCRIBER_ID, pa.string()),
        (LOCAL_DAY, pa.int64()),
        (KNOWN_DAY, pa.int64()),
        ("key", pa.string()),
        *((measure, pa.float64()) for measure in KEY_MEASURES),
    ]
).empty_table()


def digest(recipe: str, parts: Iterable[str]) -> str:
    """Short name of what something was made of."""
    return hashlib.sha256("\n".join([recipe, *sorted(parts)]).encode()).hexdigest()[:16]


def day_of_file(file: LakeFile) -> int:
    """The local day that a file of a table partitioned by day holds."""
    return int(file.day or 0)


def batches(days: Sequence[int], rows: dict[int, int], most: int) -> list[list[int]]:
    """Runs of days with at most `most` rows each, or a single day.

    >>> batches([1, 2, 3], {1: 5, 2: 4, 3: 9}, 9)
    [[1, 2], [3]]
    """
    found: list[list[int]] = []
    filled = most
    for day in days:
        if filled + rows[day] > most:
            found.append([])
            filled = 0
        found[-1].append(day)
        filled += rows[day]
    return found
