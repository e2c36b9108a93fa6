"""Life styles: the hidden types of people behind the records, and the hours of their day."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

APPS = ("video", "social", "music", "games", "maps", "messenger", "news", "work")
APP_VOLUME = np.array([4.0, 1.0, 0.8, 0.9, 0.25, 0.3, 0.3, 0.8])  # megabytes of a session, relative
CONTENTS = ("music", "films", "games", "security", "books")
CONTENT_PRICE = np.array([49.0, 129.0, 79.0, 39.0, 99.0])
CONTENT_ITEMS = (
    ("music_zvuki", "music_khor"),
    ("films_kinozal", "films_serial"),
    ("games_arena", "games_runa"),
    ("security_shield", "security_filter"),
    ("books_chitalka", "books_golos"),
)
DEVICE_CLASSES = ("basic", "budget", "middle", "flagship")
CHANNELS = ("app", "web", "chat", "whatsapp", "vk", "call_centre", "assistant")


@dataclass(frozen=True, slots=True)
class Lifestyle:
    """One type of people. Amounts are medians a month, rates are means a month, mixes need not sum to 1."""

    name: str
    share: float
    data_mb: float
    sessions: float
    voice_minutes: float
    calls: float
    sms: float
    apps: tuple[float, ...]
    contents: tuple[float, ...]
    trips: tuple[float, float]  # national, international
    abroad: float  # share of calls that go to other countries
    born: tuple[float, float]  # mean and spread of the year of birth
    thrift: float
    family: float
    devices: tuple[float, ...]
    device_age: float
    owl: float  # share of activity that follows the night curve
    leisure: float  # weight of a free day against a working day
    curve: int  # of `HOURS`
    visits: float
    channels: tuple[float, ...]


LIFESTYLES = (
    Lifestyle("ordinary", 0.30, 9_000, 20, 95, 14, 3.0, (3, 5, 2, 1, 1.5, 5, 2, 1), (0.5, 0.4, 0.3, 0.2, 0.3),
              (0.08, 0.02), 0.01, (1984, 9), 0.0, 0.25, (0.03, 0.40, 0.42, 0.15), 22, 0.06, 1.2, 0, 2.2,
              (6, 2, 0.6, 0.7, 0.8, 0.7, 0.4)),
    Lifestyle("video", 0.14, 30_000, 26, 60, 9, 1.5, (9, 4, 2, 1.5, 0.8, 4, 1, 0.6), (0.9, 1.8, 0.4, 0.2, 0.2),
              (0.08, 0.02), 0.005, (1993, 7), 0.0, 0.15, (0.0, 0.30, 0.45, 0.25), 18, 0.16, 1.7, 1, 2.9,
              (8, 1.5, 0.6, 0.8, 1.4, 0.3, 0.8)),
    Lifestyle("talker", 0.13, 4_500, 13, 330, 38, 4.0, (1.5, 2.5, 1.5, 0.5, 2, 5, 2, 2), (0.3, 0.15, 0.1, 0.4, 0.15),
              (0.12, 0.03), 0.05, (1977, 9), 0.0, 0.35, (0.10, 0.45, 0.35, 0.10), 27, 0.03, 0.8, 0, 1.9,
              (4, 2, 0.6, 1.0, 0.4, 1.6, 0.3)),
    Lifestyle("senior", 0.12, 700, 8, 85, 13, 6.0, (1, 1.2, 0.5, 0.2, 0.6, 4, 3, 0.1), (0.1, 0.1, 0.02, 0.1, 0.25),
              (0.03, 0.004), 0.02, (1951, 6), 0.6, 0.30, (0.35, 0.50, 0.14, 0.01), 38, 0.01, 1.0, 3, 1.6,
              (1.5, 2, 0.4, 0.8, 0.1, 4, 0.2)),
    Lifestyle("traveller", 0.07, 13_000, 21, 130, 17, 3.0, (3, 3, 2, 0.8, 5, 4, 2.5, 3), (0.7, 0.5, 0.15, 0.4, 0.9),
              (0.50, 0.22), 0.06, (1985, 8), -0.4, 0.10, (0.0, 0.15, 0.40, 0.45), 15, 0.08, 1.0, 0, 2.6,
              (7, 2.5, 1.0, 1.2, 0.5, 0.5, 0.5)),
    Lifestyle("thrifty", 0.12, 2_200, 12, 55, 9, 5.0, (1.5, 3, 1, 1, 0.8, 5, 2, 0.5), (0.08, 0.06, 0.08, 0.06, 0.06),
              (0.04, 0.005), 0.01, (1980, 12), 1.2, 0.25, (0.15, 0.65, 0.19, 0.01), 34, 0.05, 1.0, 0, 2.4,
              (4, 3, 0.8, 0.7, 0.9, 0.8, 0.3)),
    Lifestyle("family", 0.08, 15_000, 23, 180, 24, 3.0, (4, 3, 2, 2, 2, 6, 1, 1), (0.8, 1.0, 0.7, 0.7, 0.4),
              (0.15, 0.05), 0.01, (1982, 6), 0.1, 1.0, (0.02, 0.30, 0.48, 0.20), 20, 0.03, 1.3, 0, 2.4,
              (7, 2, 0.7, 1.4, 0.6, 0.7, 0.5)),
    Lifestyle("gamer", 0.04, 22_000, 25, 45, 7, 1.0, (4, 2, 2, 9, 0.4, 3, 0.4, 0.5), (0.6, 0.5, 3.0, 0.2, 0.1),
              (0.05, 0.01), 0.005, (1998, 5), 0.0, 0.08, (0.0, 0.22, 0.48, 0.30), 16, 0.35, 1.5, 1, 2.9,
              (7, 2, 1.0, 0.4, 2.0, 0.2, 1.0)),
)  # fmt: skip

# Relative activity by local hour: working people, evening people, the night, and early risers.
HOURS = np.array(
    [
        [0.9, 0.5, 0.3, 0.2, 0.3, 0.9, 2.2, 4.3, 6, 6.5, 6.5, 6.5, 7, 7, 6.8, 6.8, 7, 8, 8.5, 8, 7, 5.5, 3.6, 2],
        [2.5, 1.4, 0.7, 0.4, 0.3, 0.5, 1, 2, 3, 3.5, 4, 4.5, 5, 5, 5, 5.5, 6, 7, 8.5, 9.5, 10, 9.5, 7.5, 5],
        [9, 8.5, 7, 5, 3, 1.5, 0.5, 0.3, 0.3, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2, 2.5, 3.5, 5, 7.5, 9],
        [0.1, 0.1, 0.1, 0.1, 0.4, 1.5, 4, 7, 9, 10, 9.5, 8.5, 7, 6, 6, 6.5, 6.5, 6, 5.5, 4.5, 3, 1.5, 0.6, 0.2],
    ]
)
NIGHT_CURVE = 2


def trait(name: str) -> NDArray[Any]:
    """One field of every life style, in their order."""
    return np.array([getattr(style, name) for style in LIFESTYLES])


def draw_hours(rng: np.random.Generator, curve: NDArray[np.int64]) -> NDArray[np.int64]:
    """One local hour, 0 to 23, for every entry of `curve`, a row of `HOURS`."""
    return draw_rows(rng, HOURS, curve)


def draw_rows(rng: np.random.Generator, weights: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every entry of `row` one column of that row of `weights`, with probability in proportion to the weight."""
    steps = np.cumsum(weights, axis=1)
    steps = steps / steps[:, -1:] + np.arange(len(weights))[:, None]
    found = np.searchsorted(steps.ravel(), row + rng.random(len(row)), side="right")
    column: NDArray[np.int64] = np.clip(found - row * weights.shape[1], 0, weights.shape[1] - 1)
    return column
