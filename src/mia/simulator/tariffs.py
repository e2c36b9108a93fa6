"""The tariffs of the simulated operator, and how people end up on one."""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints


@dataclass(frozen=True, slots=True)
class Tariff:
    """A tariff: monthly fee in roubles and what it includes."""

    name: str
    fee: float
    data_mb: int
    voice_minutes: int
    sms: int


TARIFFS = (
    Tariff("start", 250, 2_048, 50, 10),
    Tariff("talk", 400, 6_144, 250, 30),
    Tariff("balance", 450, 12_288, 120, 30),
    Tariff("stream", 650, 30_720, 150, 30),
    Tariff("max", 950, 51_200, 400, 100),
    Tariff("family", 750, 24_576, 300, 60),
    Tariff("senior", 200, 1_024, 100, 20),
)
FEE = np.array([tariff.fee for tariff in TARIFFS])
DATA_MB = np.array([tariff.data_mb for tariff in TARIFFS])
VOICE_MINUTES = np.array([tariff.voice_minutes for tariff in TARIFFS])
SMS = np.array([tariff.sms for tariff in TARIFFS])

# Roubles beyond the package: a megabyte, a minute, a message.
DATA_RATE, VOICE_RATE, SMS_RATE = 0.03, 2.0, 1.5
# Roubles a unit at home, on a trip in the country, and abroad, where no package counts.
ROAMING_DATA_RATE = np.array([0.0, 0.0, 0.25])
ROAMING_VOICE_RATE = np.array([0.0, 3.0, 15.0])
ABROAD_VOICE_RATE = 12.0

_OFFERED_FROM_AGE = {"senior": 60}
_HABIT = 130.0  # roubles a month by which people misjudge what a tariff would cost them


def choose_tariffs(
    rng: np.random.Generator, *, data_mb: Floats, voice_minutes: Floats, age: Ints, family: Floats
) -> Ints:
    """A tariff for every subscriber: nearly the cheapest for what they use, seen with an error."""
    over_data = np.maximum(data_mb[:, None] - DATA_MB, 0)
    over_voice = np.maximum(0.5 * voice_minutes[:, None] - VOICE_MINUTES, 0)
    cost = FEE + DATA_RATE * over_data + VOICE_RATE * over_voice + rng.normal(0, _HABIT, (len(data_mb), len(TARIFFS)))
    for column, tariff in enumerate(TARIFFS):
        if tariff.name in _OFFERED_FROM_AGE:
            cost[age < _OFFERED_FROM_AGE[tariff.name], column] = np.inf
        if tariff.name == "family":
            cost[:, column] -= 250 * family
    cheapest: Ints = np.argmin(cost, axis=1)
    return cheapest
