"""The features of a profile, each declared once: name, unit, window, description and expression.

A profile as of day D is what is known at 00:00 local time of D: a window of N days covers the N local days that
end the day before D. Sums and counts are 0 for a subscriber without records; shares and ages are null when there is
nothing to divide or to count from.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import NumericValue, Table

from mia.profiles.measures import GRAINS
from mia.tables import ACTIVATED_ON, AS_OF, LOCAL_DAY, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS

WINDOWS = (7, 30, 90)
LONGEST = max(WINDOWS)
MEBIBYTE = float(2**20)


@dataclass(frozen=True, slots=True)
class Feature:
    """One profile column. `aggregate` builds it from the joined (daily roll-up, as_of) rows of one profile."""

    name: str
    unit: str
    window: int | None
    about: str
    aggregate: Callable[[Table], NumericValue] | None = None
    derive: Callable[[Table], NumericValue] | None = None


def _total(joined: Table, measure: str, days: int) -> NumericValue:
    inside = joined[LOCAL_DAY] >= joined[AS_OF] - days
    return joined[measure].sum(where=inside).fill_null(0.0)


def _days_with(joined: Table, measure: str, days: int) -> NumericValue:
    inside = (joined[LOCAL_DAY] >= joined[AS_OF] - days) & (joined[measure] > 0)
    return inside.cast("int64").sum().fill_null(0).cast("float64")


def _age(joined: Table, measure: str) -> NumericValue:
    last = joined[LOCAL_DAY].max(where=joined[measure] > 0)
    return (joined[AS_OF].max() - last).cast("float64")


def _windowed(name: str, unit: str, about: str, measure: str, divisor: float = 1.0) -> list[Feature]:
    def of(days: int) -> Feature:
        return Feature(
            f"{name}_{days}d",
            unit,
            days,
            f"{about} in the last {days} days",
            aggregate=lambda joined: _total(joined, measure, days) / divisor,
        )

    return [of(days) for days in WINDOWS]


def _active_days() -> list[Feature]:
    def of(days: int) -> Feature:
        return Feature(
            f"active_days_{days}d",
            "day",
            days,
            f"days with any record but fees and top-ups in the last {days} days",
            aggregate=lambda joined: _days_with(joined, "active_records", days),
        )

    return [of(days) for days in WINDOWS]


def _ratio(name: str, about: str, over: str, under: str, window: int, unit: str = "share") -> Feature:
    return Feature(name, unit, window, about, derive=lambda row: row[over] / row[under].nullif(0.0))


def _trend(name: str, about: str, column: str) -> Feature:
    return Feature(
        name,
        "ratio",
        30,
        about,
        derive=lambda row: (row[f"{column}_7d"] / 7.0) / (row[f"{column}_30d"] / 30.0).nullif(0.0),
    )


def _part(name: str, unit: str, measure: str, divisor: float) -> Feature:
    return Feature(name, unit, 30, "part of a share", aggregate=lambda joined: _total(joined, measure, 30) / divisor)


# Aggregates that only shares need; they do not leave the profile query.
PARTS: tuple[Feature, ...] = (
    _part("data_night_mb_30d", "MiB", "data_night_bytes", MEBIBYTE),
    _part("data_weekend_mb_30d", "MiB", "data_weekend_bytes", MEBIBYTE),
    _part("voice_on_net_minutes_30d", "minute", "voice_on_net_seconds", 60.0),
)

FEATURES: tuple[Feature, ...] = (
    *_windowed("voice_minutes", "minute", "minutes of calls", "voice_seconds", 60.0),
    *_windowed("voice_out_minutes", "minute", "minutes of outgoing calls", "voice_out_seconds", 60.0),
    *_windowed("voice_calls", "call", "calls", "voice_calls"),
    *_windowed("sms_count", "message", "messages", "sms_quantity"),
    *_windowed("data_mb", "MiB", "mobile data", "data_bytes", MEBIBYTE),
    *_windowed("data_sessions", "session", "data sessions", "data_sessions"),
    *_windowed("content_count", "unit", "content bought", "content_quantity"),
    *_windowed("content_charge", "currency", "spent on content", "content_charge", GRAINS),
    *_windowed("roaming_data_mb", "MiB", "mobile data away from home", "roaming_bytes", MEBIBYTE),
    *_windowed("roaming_voice_minutes", "minute", "minutes of calls away from home", "roaming_seconds", 60.0),
    *_windowed("charge_sum", "currency", "charged in all, top-ups left out", "charge", GRAINS),
    *_windowed("traffic_charge", "currency", "charged for calls, messages and data", "traffic_charge", GRAINS),
    *_windowed("top_up_sum", "currency", "paid in", "top_up_amount", GRAINS),
    *_windowed("top_up_count", "top-up", "top-ups", "top_up_count"),
    *_windowed("active_records", "record", "records but fees and top-ups", "active_records"),
    *_windowed("discounted_records", "record", "records but fees and top-ups at a discount", "discounted_records"),
    *_windowed("discount_sum", "currency", "taken off by discounts", "discount", GRAINS),
    *_active_days(),
    Feature(
        "days_since_top_up",
        "day",
        LONGEST,
        f"days since the last top-up; null if none in {LONGEST} days",
        aggregate=lambda joined: _age(joined, "top_up_count"),
    ),
    Feature(
        "days_since_active",
        "day",
        LONGEST,
        f"days since the last record but fees and top-ups; null if none in {LONGEST} days",
        aggregate=lambda joined: _age(joined, "active_records"),
    ),
    _ratio(
        "data_night_share_30d",
        "share of data between 22:00 and 06:00 local time; null without data",
        "data_night_mb_30d",
        "data_mb_30d",
        30,
    ),
    _ratio(
        "data_weekend_share_30d",
        "share of data on Saturdays and Sundays; null without data",
        "data_weekend_mb_30d",
        "data_mb_30d",
        30,
    ),
    _ratio(
        "voice_on_net_share_30d",
        "share of call time inside the network; null without calls",
        "voice_on_net_minutes_30d",
        "voice_minutes_30d",
        30,
    ),
    _ratio(
        "voice_out_share_30d",
        "share of call time that the subscriber started; null without calls",
        "voice_out_minutes_30d",
        "voice_minutes_30d",
        30,
    ),
    _ratio("data_mb_per_active_day_30d", "data on a day of activity", "data_mb_30d", "active_days_30d", 30, "MiB"),
    _ratio(
        "charge_per_active_day_30d", "charge of a day of activity", "charge_sum_30d", "active_days_30d", 30, "currency"
    ),
    _ratio(
        "discounted_share_90d",
        "share of records at a discount, fees and top-ups left out; null without records",
        "discounted_records_90d",
        "active_records_90d",
        90,
    ),
    _ratio("top_up_mean_90d", "mean top-up", "top_up_sum_90d", "top_up_count_90d", 90, "currency"),
    _trend("data_trend", "daily data of the last 7 days against the last 30; null without data", "data_mb"),
    _trend(
        "voice_trend", "daily call time of the last 7 days against the last 30; null without calls", "voice_minutes"
    ),
    _trend("charge_trend", "daily charge of the last 7 days against the last 30; null without charge", "charge_sum"),
    Feature(
        "tenure_days",
        "day",
        None,
        "days since the contract began; 0 before it",
        derive=lambda row: (row[AS_OF] - row["activated_day"]).clip(lower=0).cast("float64"),
    ),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def feature_fingerprint() -> str:
    """Short digest of the feature schema; it travels with snapshots and models."""
    declared = [(feature.name, feature.unit, feature.window, feature.about) for feature in FEATURES]
    return hashlib.sha256(json.dumps(declared).encode()).hexdigest()[:12]


def build_features(daily: Table, subscribers: Table, spine: Table) -> Table:
    """Features of every (subscriber_id, as_of) of `spine`; as_of is a day number.

    `daily` is the roll-up, `subscribers` carries activated_on. Returns subscriber_id, as_of and the features in the
    order of FEATURES; a spine row that no roll-up matches gets zeros and nulls.
    """
    joined = daily.inner_join(
        spine,
        [
            daily[SUBSCRIBER_ID] == spine[SUBSCRIBER_ID],
            daily[LOCAL_DAY] < spine[AS_OF],
            daily[LOCAL_DAY] >= spine[AS_OF] - LONGEST,
        ],
    ).select(*(daily[name] for name in daily.columns), spine[AS_OF])
    aggregated = [feature for feature in (*PARTS, *FEATURES) if feature.aggregate is not None]
    windows = joined.group_by([SUBSCRIBER_ID, AS_OF]).aggregate(
        [feature.aggregate(joined).name(feature.name) for feature in aggregated if feature.aggregate]
    )
    activated = subscribers.select(
        SUBSCRIBER_ID,
        activated_day=_activated_day(subscribers),
    )
    wide = spine.left_join(windows, [SUBSCRIBER_ID, AS_OF]).drop(f"{SUBSCRIBER_ID}_right", f"{AS_OF}_right")
    wide = wide.left_join(activated, [SUBSCRIBER_ID]).drop(f"{SUBSCRIBER_ID}_right")
    filled = wide.mutate(
        **{
            feature.name: wide[feature.name].fill_null(0.0)
            for feature in aggregated
            if not feature.name.startswith("days_since_")
        }
    )
    derived = filled.mutate(**{feature.name: feature.derive(filled) for feature in FEATURES if feature.derive})
    return derived.select(SUBSCRIBER_ID, AS_OF, *FEATURE_NAMES)


def describe() -> list[dict[str, str]]:
    """The declarations as rows for people: name, unit, window, description."""
    return [
        {
            "name": feature.name,
            "unit": feature.unit,
            "window": "-" if feature.window is None else f"{feature.window} days",
            "description": feature.about,
        }
        for feature in FEATURES
    ]


def spine_of_day(subscribers: Table, daily: Table, as_of: int) -> Table:
    """Every subscriber who was known by a day, with that day: the contract had begun, or `daily` has records before it.

    Records may come before the contract where a number moved to a new one; whoever has them is not left out.
    """
    begun = _activated_day(subscribers) <= as_of
    seen = subscribers[SUBSCRIBER_ID].isin(daily.filter(daily[LOCAL_DAY] < as_of)[SUBSCRIBER_ID])
    return subscribers.filter(begun | seen).select(SUBSCRIBER_ID, as_of=ibis.literal(as_of, "int64"))


def _activated_day(subscribers: Table) -> NumericValue:
    return (subscribers[ACTIVATED_ON].cast("timestamp").epoch_seconds() / float(DAY_SECONDS)).floor().cast("int64")
