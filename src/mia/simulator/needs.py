"""What people need on a given day: the drivers of their answers, most of them visible in their records."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.simulator.lifestyles import APP_VOLUME, APPS, CONTENTS, DEVICE_CLASSES
from mia.simulator.population import Population
from mia.simulator.scenario import Scenario
from mia.simulator.tariffs import DATA_MB, FEE, SMS, TARIFFS, VOICE_MINUTES
from mia.simulator.travel import INTERNATIONAL, LOOK_AHEAD, NATIONAL
from mia.timeline import date_of, month_start

_APP_REFERENCE = np.array([3_500.0, 1_400.0, 450.0, 400.0, 100.0, 450.0, 170.0, 350.0])  # megabytes a month
_CONTENT_REFERENCE = np.array([0.5, 0.5, 0.35, 0.25, 0.3])
_DEVICE_PRICE = np.array([0.0, 1.0, 2.0, 4.0])


@dataclass(frozen=True, slots=True)
class Needs:
    """The needs of k (subscriber, day) rows.

    `drivers` holds arrays of k values by name, most of them between -2 and 2; `gap_mb` is what the package lacks a
    month (at least 256 MB).
    """

    drivers: dict[str, Floats]
    gap_mb: Floats
    data_mb: Floats
    voice_minutes: Floats
    since_activation: Ints


def find_needs(scenario: Scenario, people: Population, rows: Ints, days: Ints) -> Needs:
    """The needs of `rows` of the population on local `days` of the scenario."""
    data_mb, voice_minutes = (
        _recent(scenario, people.data_mb, rows, days),
        _recent(scenario, people.voice_minutes, rows, days),
    )
    tariff = people.tariff[rows]
    age = date_of(scenario.first_day).year - people.born[rows]
    shortage = np.log2(data_mb / DATA_MB[tariff])
    talk = np.log2(0.6 * voice_minutes / VOICE_MINUTES[tariff])
    since = days - people.activated[rows]
    drivers: dict[str, Floats] = {
        "data_short": np.clip(shortage, -2, 1.5),
        "data_spare": np.clip(-shortage, -1.5, 2.5),
        "data_heavy": _ratio(data_mb, 8_000.0),
        "voice_short": np.clip(talk + 0.5, -2, 1.5),
        "voice_spare": np.clip(-talk, -1.5, 2.5),
        "voice_heavy": _ratio(voice_minutes, 100.0),
        "sms_heavy": _ratio(people.sms[rows] + 0.3, 3.0),
        "abroad_calls": _ratio(people.abroad[rows] * people.calls[rows] + 0.15, 0.5),
        "night": np.clip(6 * people.owl[rows] - 0.6, -0.6, 2),
        "leisure": np.clip(2 * np.log(people.leisure[rows]), -1.5, 1.5),
        "traveller": _ratio(people.trips[rows].sum(axis=1) + 0.08, 0.25),
        "senior": np.clip((age - 50) / 10.0, -2, 2),
        "young": np.clip((30 - age) / 6.0, -1.5, 1.5),
        "newcomer": np.where(since < 90, 1.0, 0.0),
        "device_old": np.clip((people.device_age[rows] - 26) / 12.0, -1.5, 2),
        "device_dear": _DEVICE_PRICE[people.device_class[rows]] / 2.0 - 0.6,
        "device_basic": np.where(people.device_class[rows] == DEVICE_CLASSES.index("basic"), 1.0, 0.0),
        "thrift": np.clip(people.thrift[rows], -1.5, 2),
        "family": 2.5 * people.family[rows] - 0.8,
        "fee": np.clip((FEE[tariff] - 450) / 200.0, -1.5, 2.5),
        **_ahead(scenario, people, rows, days),
    }
    volumes = people.apps[rows] * APP_VOLUME
    volumes *= (data_mb / volumes.sum(axis=1))[:, None]
    for column, app in enumerate(APPS):
        drivers[f"uses_{app}"] = _ratio(volumes[:, column], _APP_REFERENCE[column])
    for column, content in enumerate(CONTENTS):
        bought = _ratio(people.contents[rows, column] + 0.1, _CONTENT_REFERENCE[column])
        known = drivers.get(f"uses_{content}")
        drivers[f"uses_{content}"] = bought if known is None else 0.8 * known + 0.5 * bought
    return Needs(drivers, np.maximum(data_mb - DATA_MB[tariff], 256.0), data_mb, voice_minutes, since)


def find_columns(people: Population, rows: Ints, needs: Needs) -> dict[str, NDArray[Any]]:
    """The columns that `eligible_if` speaks of, as the earlier policy estimates them from the needs."""
    tariff = people.tariff[rows]
    fee = FEE[tariff]
    sms = people.sms[rows]
    return {
        "data_mb_30d": needs.data_mb,
        "voice_minutes_30d": needs.voice_minutes,
        "voice_out_minutes_30d": 0.52 * needs.voice_minutes,
        "sms_count_30d": sms,
        "charge_sum_30d": fee * 1.1,
        "charge_sum_90d": fee * 3.3,
        "top_up_sum_90d": fee * 3.3,
        "top_up_count_30d": np.full(len(rows), 1.4),
        "top_up_count_90d": np.full(len(rows), 4.2),
        "data_night_share_30d": 0.07 + 0.8 * people.owl[rows],
        "data_weekend_share_30d": people.leisure[rows] * 2 / (people.leisure[rows] * 2 + 5),
        "tenure_days": needs.since_activation,
        "birth_year": people.born[rows],
        "device_age_months": people.device_age[rows],
        "device_class": np.array(DEVICE_CLASSES)[people.device_class[rows]],
        "tariff": np.array([each.name for each in TARIFFS])[tariff],
        "tariff_data_mb": DATA_MB[tariff],
        "tariff_voice_minutes": VOICE_MINUTES[tariff],
        "tariff_sms": SMS[tariff],
        "tariff_fee": fee,
    }


def _ratio(value: Floats, reference: Floats | float) -> Floats:
    """Ratio on a log scale, softly bounded: 0 at the reference, 1 at about four times it."""
    bounded: Floats = 2 * np.tanh(np.log(value / reference) / 2.5)
    return bounded


def _recent(scenario: Scenario, monthly: Floats, rows: Ints, days: Ints) -> Floats:
    """Needs of about the last 30 days: this month's and the last one's, weighted by the day of the month."""
    starts = np.array([month_start(scenario.start + index) for index in range(scenario.months)])
    month = np.clip(np.searchsorted(starts, days, side="right") - 1, 0, scenario.months - 1)
    weight = np.clip((days - starts[month]) / 30.0, 0.0, 1.0)
    recent: Floats = weight * monthly[rows, month + 1] + (1 - weight) * monthly[rows, month]
    return recent


def _ahead(scenario: Scenario, people: Population, rows: Ints, days: Ints) -> dict[str, Floats]:
    span = np.clip(days - scenario.first_day, 0, people.away.shape[1] - LOOK_AHEAD)[:, None] + np.arange(LOOK_AHEAD)
    coming = people.away[rows[:, None], span]
    return {
        "trip_national": (coming == NATIONAL).any(axis=1).astype(np.float64),
        "trip_international": (coming == INTERNATIONAL).any(axis=1).astype(np.float64),
    }
