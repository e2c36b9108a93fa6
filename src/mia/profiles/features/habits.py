"""How: shares of night, weekend, working hours, networks and categories; regularity; how long ago."""

from ibis.expr.types import NumericValue, Table

from mia.profiles.daily import ACTIVE_KINDS, PARTS_OF_DAY, PASSIVE_KINDS
from mia.profiles.features.feature import (
    ACTIVE,
    LOG_STEPS,
    MEBIBYTE,
    MINUTE,
    Column,
    Feature,
    days_since,
    entropy,
    log_mass,
    longest_silence,
    part,
    ratio,
    total,
    total_but,
)
from mia.profiles.windows import LONGEST, DaysSeen, Kinds
from mia.tables import CATEGORY, KIND


def _shares(kind: str, unit: float, whole: str, noun: str) -> list[Feature]:
    """Shares of one kind by time of day and week."""
    moments = (
        ("night", "between 22:00 and 06:00 local time"),
        ("weekend", "on Saturdays and Sundays"),
        ("work", "between 09:00 and 18:00 local time"),
    )
    return [
        feature
        for name, when in moments
        for feature in (
            part(f"{kind}_{name}_30d", total(f"{name}_quantity", 30, kind, divisor=unit)),
            ratio(
                f"{kind}_{name}_share_30d",
                f"share of {noun} {when}; null without {noun}",
                f"{kind}_{name}_30d",
                whole,
                30,
            ),
        )
    ]


def _on(keys: Table, axis: str) -> NumericValue:
    """Records of the last 30 days of the keys on an axis."""
    return keys["key"].startswith(f"{axis}:").ifelse(keys["records_30d"], 0.0)


def _tally(name: str, of: Column) -> Feature:
    return Feature(name, "", None, "", tally=of, part=True)


def _hours(row: Table) -> NumericValue:
    counts = [row[f"active_part_{number}"] for number in range(PARTS_OF_DAY)]
    whole, logs = counts[0], log_mass(counts[0])
    for count in counts[1:]:
        whole, logs = whole + count, logs + log_mass(count)
    return entropy(whole, logs / LOG_STEPS)


def _kinds(row: Table) -> NumericValue:
    logs = log_mass(row[f"{ACTIVE_KINDS[0]}_records_30d"])
    for kind in ACTIVE_KINDS[1:]:
        logs = logs + log_mass(row[f"{kind}_records_30d"])
    return entropy(row["active_records_30d"], logs / LOG_STEPS + row["declared_kind_logs"])


def _variation(kind: str) -> Feature:
    """Standard deviation over mean of 30 daily values x is sqrt(30 sum(x^2) - sum(x)^2) / sum(x), in whole steps."""

    def of(row: Table) -> NumericValue:
        steps = row[f"{kind}_steps_30d"]
        spread = row[f"{kind}_steps_squared_30d"] * 30.0 - steps * steps
        return spread.clip(lower=0.0).sqrt() / steps.nullif(0.0)

    noun, step = ("data", "64 KiB") if kind == "data" else ("call time", "seconds")
    about = f"standard deviation of daily {noun} over its mean, each day rounded to whole {step}; null without {noun}"
    return Feature(f"{kind}_daily_cv_30d", "ratio", 30, about, derive=of)


def _recency(name: str, about: str, seen: DaysSeen) -> Feature:
    return Feature(
        f"days_since_{name}",
        "day",
        LONGEST,
        f"days since {about}, 1 for yesterday; null if none in {LONGEST} days",
        derive=lambda row: days_since(row, seen),
        seen=seen,
    )


HABITS: tuple[Feature, ...] = (
    *_shares("data", MEBIBYTE, "data_mb_30d", "data"),
    *_shares("voice", MINUTE, "voice_minutes_30d", "call time"),
    ratio(
        "voice_on_net_share_30d",
        "share of call time inside the network; null without call time",
        "voice_on_net_minutes_30d",
        "voice_minutes_30d",
        30,
    ),
    ratio(
        "voice_out_share_30d",
        "share of call time of outgoing calls; null without call time",
        "voice_out_minutes_30d",
        "voice_minutes_30d",
        30,
    ),
    ratio(
        "data_roaming_share_30d",
        "share of data in national or international roaming; null without data",
        "roaming_data_mb_30d",
        "data_mb_30d",
        30,
    ),
    ratio(
        "data_mb_per_active_day_30d",
        "mobile data a day with any record but fees and top-ups; null without such a day",
        "data_mb_30d",
        "active_days_30d",
        30,
        unit="MiB",
    ),
    _tally("category_records", lambda keys: _on(keys, CATEGORY).sum()),
    _tally("category_logs", lambda keys: log_mass(_on(keys, CATEGORY)).sum() / LOG_STEPS),
    _tally("category_top", lambda keys: _on(keys, CATEGORY).max()),
    Feature(
        "categories_30d",
        "category",
        30,
        "categories with a record in the last 30 days",
        tally=lambda keys: (_on(keys, CATEGORY) > 0).cast("int64").sum().cast("float64"),
    ),
    ratio(
        "top_category_share_30d",
        "share of the category with most records; a record of `a;b` counts for both; null without categories",
        "category_top",
        "category_records",
        30,
    ),
    Feature(
        "category_entropy_30d",
        "nat",
        30,
        "entropy of records over categories; a record of `a;b` counts for both; null without categories",
        derive=lambda row: entropy(row["category_records"], row["category_logs"]),
    ),
    *(part(f"{kind}_records_30d", total("records", 30, kind)) for kind in ACTIVE_KINDS),
    _tally("declared_kind_logs", lambda keys: log_mass(_on(keys, KIND)).sum() / LOG_STEPS),
    Feature(
        "kind_entropy_30d",
        "nat",
        30,
        "entropy of records over kinds but fees and top-ups; null without such records",
        derive=_kinds,
    ),
    *(part(f"active_part_{number}", total_but(f"part_{number}", 30, *PASSIVE_KINDS)) for number in range(PARTS_OF_DAY)),
    Feature(
        "hour_entropy_30d",
        "nat",
        30,
        "entropy of records but fees and top-ups over eight parts of the day of three hours; null without such records",
        derive=_hours,
    ),
    *(
        part(f"{kind}_{name}_30d", total(name, 30, kind))
        for kind in ("data", "voice")
        for name in ("steps", "steps_squared")
    ),
    _variation("data"),
    _variation("voice"),
    Feature(
        "longest_silence_90d",
        "day",
        LONGEST,
        f"most days in a row without any record but fees and top-ups in the last {LONGEST} days",
        derive=lambda row: longest_silence(row, ACTIVE),
        seen=ACTIVE,
    ),
    _recency("top_up", "the last top-up", DaysSeen(Kinds(("top_up",)))),
    _recency("active", "the last record but fees and top-ups", ACTIVE),
    _recency("voice", "the last call", DaysSeen(Kinds(("voice",)))),
    _recency("sms", "the last message", DaysSeen(Kinds(("sms",)))),
    _recency("data", "the last data session", DaysSeen(Kinds(("data",)))),
    _recency("content", "the last purchase of content", DaysSeen(Kinds(("content",)))),
)
