"""The people of a simulated world: what is on record about them, and the hidden traits that drive what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.domain.region import REGIONS
from mia.frames import Floats, Ints
from mia.simulator.lifestyles import CHANNELS, LIFESTYLES, trait
from mia.simulator.scenario import ZONES, Block, Scenario, Stage
from mia.simulator.tariffs import choose_tariffs
from mia.simulator.travel import draw_trips
from mia.timeline import date_of

REGION_NAMES = tuple(REGIONS)
# The Urals hold 36 % of the subscribers.
REGION_SHARES = np.array([0.05, 0.07, 0.11, 0.13, 0.07, 0.06, 0.11, 0.03, 0.03, 0.14, 0.08, 0.08, 0.04])
REGION_ZONES = np.array([ZONES.index(region.timezone) for region in REGIONS.values()])
PAY_DAYS = np.array([5, 10, 20, 25])
TASTES = 3
NEVER = np.int64(2**40)

_SILENT_SHARE = 0.02  # cards that lie in a drawer


@dataclass(frozen=True, slots=True)
class Population:
    """n subscribers. Days are local days since the epoch; needs have one column a month, the first for the month
    before the scenario.
    """

    number: Ints  # running number of the subscriber, from 0
    region: Ints
    zone: Ints
    moved: NDArray[np.bool_]  # lives in another zone than the region's
    born: Ints
    activated: Ints
    left: Ints  # first day without the subscriber; NEVER for who stays
    tariff: Ints
    device_class: Ints
    device_age: Ints
    consent: NDArray[np.bool_]  # n x channels
    personalisation: NDArray[np.bool_]
    lifestyle: Ints
    family: Floats
    thrift: Floats
    responsiveness: Floats
    taste: Floats  # n x TASTES
    apps: Floats  # n x apps, shares of sessions
    contents: Floats  # n x contents, purchases a month
    sessions: Floats
    calls: Floats
    sms: Floats
    abroad: Floats
    on_net: Floats
    owl: Floats
    leisure: Floats
    pay_day: Ints
    visits: Floats  # a month
    channels: Floats  # n x channels, weights of the visits
    trips: Floats  # n x 2, national and international trips a month
    data_mb: Floats  # n x (1 + months)
    voice_minutes: Floats  # n x (1 + months)
    away: NDArray[np.int8]  # n x days from the start of the scenario to a month past its end

    def __len__(self) -> int:
        return len(self.number)


def join_populations(parts: Sequence[Population]) -> Population:
    """The people of several blocks of one scenario as one population."""
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Population)
    }
    return Population(**joined)


def draw_population(scenario: Scenario, block: Block) -> Population:
    """The people of one block."""
    rng, n = scenario.stream(Stage.POPULATION, block.index), block.size
    style = rng.choice(len(LIFESTYLES), n, p=trait("share") / trait("share").sum())
    region = rng.choice(len(REGION_NAMES), n, p=REGION_SHARES / REGION_SHARES.sum())
    moved = rng.random(n) < 0.02
    zone = np.where(moved, rng.integers(0, len(ZONES), n), REGION_ZONES[region])
    year = date_of(scenario.first_day).year
    born = np.clip(np.round(rng.normal(*trait("born")[style].T)), year - 90, year - 14).astype(np.int64)
    family = np.clip(trait("family")[style] + rng.normal(0, 0.15, n), 0, 1.2)
    thrift = trait("thrift")[style] + rng.normal(0, 0.35, n)
    activity = np.where(rng.random(n) < _SILENT_SHARE, 0.03, 1.0)
    data_mb, voice_minutes = _draw_needs(scenario, block, style, activity)
    tariff = choose_tariffs(
        rng, data_mb=data_mb[:, 0], voice_minutes=voice_minutes[:, 0], age=year - born, family=family
    )
    activated, left = _draw_contracts(rng, scenario, n)
    return Population(
        number=np.arange(block.first, block.first + n),
        region=region,
        zone=zone,
        moved=moved & (zone != REGION_ZONES[region]),
        born=born,
        activated=activated,
        left=left,
        tariff=tariff,
        device_class=_draw_columns(rng, trait("devices")[style]),
        device_age=np.minimum(rng.poisson(rng.gamma(2.0, trait("device_age")[style] / 2.0)), 96),
        consent=rng.random((n, len(CHANNELS))) < np.array([0.95, 0.9, 0.7, 0.45, 0.4, 0.6, 0.5]),
        personalisation=rng.random(n) >= 0.02,
        lifestyle=style,
        family=family,
        thrift=thrift,
        responsiveness=rng.normal(0, 0.35, n),
        taste=rng.normal(0, 1, (n, TASTES)),
        apps=_draw_mix(rng, trait("apps")[style], 2.2),
        contents=activity[:, None] * trait("contents")[style] * rng.gamma(1.0, 1.0, (n, trait("contents").shape[1])),
        sessions=activity * trait("sessions")[style] * rng.gamma(6, 1 / 6, n),
        calls=activity * trait("calls")[style] * rng.gamma(5, 1 / 5, n),
        sms=activity * trait("sms")[style] * rng.gamma(1, 1, n),
        abroad=np.clip(trait("abroad")[style] * rng.gamma(0.3, 1 / 0.3, n), 0, 0.6),
        on_net=np.clip(0.45 + 0.4 * family + rng.normal(0, 0.06, n), 0.05, 0.98),
        owl=np.clip(trait("owl")[style] * rng.gamma(1.2, 1 / 1.2, n), 0, 0.9),
        leisure=trait("leisure")[style] * rng.lognormal(0, 0.3, n),
        pay_day=rng.choice(PAY_DAYS, n),
        visits=activity * trait("visits")[style] * rng.gamma(2.5, 1 / 2.5, n),
        channels=_draw_mix(rng, trait("channels")[style], 1.5),
        trips=(trips := trait("trips")[style] * rng.gamma(1.5, 1 / 1.5, (n, 2))),
        data_mb=data_mb,
        voice_minutes=voice_minutes,
        away=draw_trips(scenario, block, trips),
    )


def _draw_columns(rng: np.random.Generator, weights: Floats) -> Ints:
    steps = np.cumsum(weights, axis=1)
    column: Ints = (rng.random((len(weights), 1)) * steps[:, -1:] >= steps).sum(axis=1)
    return column


def _draw_mix(rng: np.random.Generator, weights: Floats, concentration: float) -> Floats:
    drawn = rng.gamma(np.maximum(weights * concentration, 0.05)) + 1e-6
    shares: Floats = drawn / drawn.sum(axis=1, keepdims=True)
    return shares


def _draw_contracts(rng: np.random.Generator, scenario: Scenario, n: int) -> tuple[Ints, Ints]:
    """First day of the contract and first day without it: 13 % a half-year join, 4 % leave."""
    length = scenario.founded.end_day - scenario.first_day
    before = scenario.first_day - 1 - np.minimum(rng.exponential(1_500, n), 5_500).astype(np.int64)
    during = scenario.first_day + (rng.random(n) * length).astype(np.int64)
    activated = np.where(rng.random(n) < 1 - 0.87 ** (length / 181), during, before)
    stays = rng.exponential(181 / 0.04, n).astype(np.int64)
    left = np.maximum(activated, scenario.first_day) + 14 + stays
    return activated, np.where(left < scenario.end_day, left, NEVER)


def _draw_needs(scenario: Scenario, block: Block, style: Ints, activity: Floats) -> tuple[Floats, Floats]:
    """Megabytes and minutes that everyone wants, month by month: a slow walk with a jump now and then."""
    n = block.size
    rng = scenario.stream(Stage.NEEDS, block.index)
    data = np.log(trait("data_mb")[style] * activity) + rng.normal(0, 0.55, n)
    voice = np.log(trait("voice_minutes")[style] * activity) + rng.normal(0, 0.5, n)
    data_columns, voice_columns = [data], [voice]
    for month in range(scenario.start, scenario.start + scenario.months):
        rng = scenario.stream(Stage.NEEDS, block.index, month)
        data = data + 0.02 + rng.normal(0, 0.15, n) + (rng.random(n) < 0.06) * rng.normal(0.1, 0.8, n)
        voice = voice + rng.normal(0, 0.12, n) + (rng.random(n) < 0.05) * rng.normal(0, 0.7, n)
        data_columns.append(data)
        voice_columns.append(voice)
    return (
        np.exp(np.clip(np.stack(data_columns, axis=1), np.log(30), np.log(200_000))),
        np.exp(np.clip(np.stack(voice_columns, axis=1), np.log(2), np.log(2_500))),
    )
