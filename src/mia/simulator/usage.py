"""Usage records of one block of subscribers in one month, from their needs, hours and trips."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.simulator.lifestyles import (
    APP_VOLUME,
    APPS,
    CONTENT_ITEMS,
    CONTENT_PRICE,
    CONTENTS,
    NIGHT_CURVE,
    draw_hours,
    draw_rows,
)
from mia.simulator.lifestyles import trait as style_trait
from mia.simulator.population import Population
from mia.simulator.scenario import Month, Scenario
from mia.simulator.tariffs import (
    ABROAD_VOICE_RATE,
    DATA_MB,
    DATA_RATE,
    FEE,
    ROAMING_DATA_RATE,
    ROAMING_VOICE_RATE,
    SMS,
    SMS_RATE,
    TARIFFS,
    VOICE_MINUTES,
    VOICE_RATE,
)
from mia.simulator.travel import HOME
from mia.timeline import DAY_SECONDS

KINDS = ("voice", "sms", "data", "content", "fee", "top_up")
VOICE, SMS_KIND, DATA, CONTENT, FEE_KIND, TOP_UP = range(len(KINDS))
DIRECTIONS = ("in", "out")
IN, OUT = range(len(DIRECTIONS))
ROAMINGS = ("home", "national", "international")
ABROAD = "international"
CATEGORIES = tuple(dict.fromkeys((*APPS, *CONTENTS, ABROAD)))
ITEMS = tuple(item for pair in CONTENT_ITEMS for item in pair) + tuple(tariff.name for tariff in TARIFFS)
NONE = -1

_APP_CATEGORY = np.array([CATEGORIES.index(app) for app in APPS])
_CONTENT_CATEGORY = np.array([CATEGORIES.index(content) for content in CONTENTS])
_ABROAD_CATEGORY = CATEGORIES.index(ABROAD)
_TARIFF_ITEM = np.array([ITEMS.index(tariff.name) for tariff in TARIFFS])
_ABROAD_DATA_SHARE = np.array([1.0, 0.8, 0.15])  # of the usual megabytes, at home and away
_BLOCK_BYTES = 2**17  # sessions are counted in eighths of a megabyte, begun ones as whole


@dataclass(frozen=True, slots=True)
class Records:
    """Usage records: `row` of the population, `second` of local time since the epoch, amounts and codes.

    Codes are positions in the vocabularies above; NONE where a record has no such value.
    """

    row: Ints
    second: Ints
    kind: NDArray[np.int8]
    quantity: Floats
    charge: Floats
    direction: NDArray[np.int8]
    on_net: NDArray[np.int8]
    roaming: NDArray[np.int8]
    category: NDArray[np.int8]
    item: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, where: NDArray[np.int64] | NDArray[np.bool_]) -> "Records":
        """The records at these places, in their order."""
        return Records(*(getattr(self, name)[where] for name in self.__slots__))


def draw_usage(scenario: Scenario, people: Population, month: Month, rng: np.random.Generator) -> Records:
    """All records of one month, by subscriber and time."""
    parts = [
        _draw_data(rng, scenario, people, month),
        _draw_voice(rng, scenario, people, month),
        _draw_sms(rng, scenario, people, month),
        _draw_content(rng, people, month),
        _draw_fees(people, month),
        _draw_top_ups(rng, people, month),
    ]
    records = Records(*(np.concatenate([getattr(part, name) for part in parts]) for name in Records.__slots__))
    day = records.second // DAY_SECONDS
    records = records.take((day >= people.activated[records.row]) & (day < people.left[records.row]))
    records = records.take(np.argsort(records.row * 2**36 + records.second, kind="stable"))
    return replace(records, charge=records.charge + _charges_beyond_package(people, records))


def _records(
    kind: int,
    row: Ints,
    second: Ints,
    quantity: Floats,
    *,
    charge: Floats | None = None,
    direction: Ints | int = NONE,
    on_net: Ints | int = NONE,
    roaming: Ints | NDArray[np.int8] | int = NONE,
    category: Ints | int = NONE,
    item: Ints | int = NONE,
) -> Records:
    def codes(value: Ints | NDArray[np.int8] | int) -> NDArray[np.int8]:
        return np.broadcast_to(np.asarray(value, np.int8), row.shape)

    return Records(
        row,
        second,
        codes(kind),
        quantity.astype(np.float64),
        np.zeros(len(row)) if charge is None else charge,
        codes(direction),
        codes(on_net),
        codes(roaming),
        codes(category),
        codes(item),
    )


def _repeat(rng: np.random.Generator, rates: Floats) -> Ints:
    return np.repeat(np.arange(len(rates)), rng.poisson(rates))


def draw_moments(rng: np.random.Generator, people: Population, month: Month, row: Ints) -> Ints:
    """A local second for every entry of `row`, by its days of leisure and hours."""
    day = month.draw_days(rng, people.leisure[row])
    curve = np.where(rng.random(len(row)) < people.owl[row], NIGHT_CURVE, style_trait("curve")[people.lifestyle[row]])
    return day * DAY_SECONDS + draw_hours(rng, curve) * 3_600 + rng.integers(0, 3_600, len(row))


def _draw_data(rng: np.random.Generator, scenario: Scenario, people: Population, month: Month) -> Records:
    row = _repeat(rng, people.sessions)
    second = draw_moments(rng, people, month, row)
    app = draw_rows(rng, people.apps, row)
    mean_volume = people.apps @ APP_VOLUME
    megabytes = (
        (people.data_mb[:, month.number - scenario.start + 1] / people.sessions)[row]
        * (APP_VOLUME[app] / mean_volume[row])
        * rng.lognormal(-0.32, 0.8, len(row))
    )
    roaming = people.away[row, second // DAY_SECONDS - scenario.first_day]
    size = np.maximum(np.ceil(megabytes * _ABROAD_DATA_SHARE[roaming] * 8), 1)
    charge = np.round(size / 8 * ROAMING_DATA_RATE[roaming], 2)
    return _records(DATA, row, second, size * _BLOCK_BYTES, charge=charge, roaming=roaming, category=_APP_CATEGORY[app])


def _draw_voice(rng: np.random.Generator, scenario: Scenario, people: Population, month: Month) -> Records:
    row = _repeat(rng, people.calls)
    second = draw_moments(rng, people, month, row)
    direction = np.where(rng.random(len(row)) < 0.52, OUT, IN)
    mean_seconds = 60 * people.voice_minutes[:, month.number - scenario.start + 1] / people.calls
    seconds = np.maximum(np.round(mean_seconds[row] * rng.lognormal(-0.4, 0.9, len(row))), 3)
    abroad = (rng.random(len(row)) < people.abroad[row]) & (direction == OUT)
    on_net = (rng.random(len(row)) < people.on_net[row]) & ~abroad
    roaming = people.away[row, second // DAY_SECONDS - scenario.first_day]
    rate = np.where(abroad, ABROAD_VOICE_RATE, ROAMING_VOICE_RATE[roaming])
    return _records(
        VOICE,
        row,
        second,
        seconds,
        charge=np.round(np.ceil(seconds / 60) * rate, 2),
        direction=direction,
        on_net=on_net.astype(np.int64),
        roaming=roaming,
        category=np.where(abroad, _ABROAD_CATEGORY, NONE),
    )


def _draw_sms(rng: np.random.Generator, scenario: Scenario, people: Population, month: Month) -> Records:
    row = _repeat(rng, people.sms)
    second = draw_moments(rng, people, month, row)
    return _records(
        SMS_KIND,
        row,
        second,
        np.ones(len(row)),
        direction=np.where(rng.random(len(row)) < 0.6, OUT, IN),
        on_net=(rng.random(len(row)) < people.on_net[row]).astype(np.int64),
        roaming=people.away[row, second // DAY_SECONDS - scenario.first_day],
    )


def _draw_content(rng: np.random.Generator, people: Population, month: Month) -> Records:
    pair = np.repeat(np.arange(people.contents.size), rng.poisson(people.contents.ravel()))
    row, content = np.divmod(pair, len(CONTENTS))
    return _records(
        CONTENT,
        row,
        draw_moments(rng, people, month, row),
        np.ones(len(row)),
        charge=CONTENT_PRICE[content],
        category=_CONTENT_CATEGORY[content],
        item=2 * content + (rng.random(len(row)) < 0.35),
    )


def _draw_fees(people: Population, month: Month) -> Records:
    """The monthly fee, on the day of the month on which the contract began."""
    row = np.arange(len(people))
    day = np.minimum(month.days[0] + people.activated % 28, month.days[-1])
    day = np.where(np.isin(people.activated, month.days), people.activated, day)
    return _records(
        FEE_KIND,
        row,
        day * DAY_SECONDS + 3 * 3_600 + people.number * 37 % 3_600,
        np.ones(len(row)),
        charge=FEE[people.tariff],
        item=_TARIFF_ITEM[people.tariff],
    )


def _draw_top_ups(rng: np.random.Generator, people: Population, month: Month) -> Records:
    """Top-ups come with the wages, and once more when people talk and surf beyond their package."""
    count = 1 + rng.poisson(0.35 + 0.4 * (people.thrift > 0.5), len(people))
    row = np.repeat(np.arange(len(people)), count)
    ordinal = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    pay_day = month.days[0] + people.pay_day[row] - 1 + rng.integers(0, 3, len(row))
    any_day = month.days[0] + rng.integers(0, len(month.days), len(row))
    day = np.minimum(np.where(ordinal == 0, pay_day, any_day), month.days[-1])
    hour = draw_hours(rng, style_trait("curve")[people.lifestyle[row]])
    second = day * DAY_SECONDS + hour * 3_600 + rng.integers(0, 3_600, len(row))
    amount = FEE[people.tariff[row]] * rng.lognormal(0.1, 0.35, len(row)) / count[row]
    amount = np.maximum(np.round(amount / 50), 1) * 50
    return _records(TOP_UP, row, second, np.ones(len(row)), charge=amount)


def _charges_beyond_package(people: Population, records: Records) -> Floats:
    """What each record costs beyond the package of the month; records lie by subscriber and time."""
    charges = np.zeros(len(records))
    at_home = records.roaming <= HOME
    paid_call = (records.direction == OUT) & (records.on_net != 1) & (records.category != _ABROAD_CATEGORY)
    for kind, unit, package, rate, counted in (
        (DATA, 2.0**20, DATA_MB, DATA_RATE, at_home),
        (VOICE, 60.0, VOICE_MINUTES, VOICE_RATE, at_home & paid_call),
        (SMS_KIND, 1.0, SMS, SMS_RATE, at_home & (records.direction == OUT)),
    ):
        amount = np.where((records.kind == kind) & counted, records.quantity / unit, 0.0)
        running = np.cumsum(amount)
        first = np.searchsorted(records.row, records.row)
        used = running - (running[first] - amount[first])
        beyond = np.minimum(np.maximum(used - package[people.tariff[records.row]], 0.0), amount)
        charges += np.round(beyond * rate, 2)
    return charges
