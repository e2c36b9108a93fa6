"""How much: volumes and counts by kind, direction, network, roaming and category."""

from mia.domain.usage import APP_CATEGORIES
from mia.profiles.daily import PASSIVE_KINDS
from mia.profiles.features.feature import (
    ACTIVE,
    MEBIBYTE,
    MINUTE,
    UNITS,
    Feature,
    seen_days,
    total,
    total_but,
    windowed,
)
from mia.profiles.windows import WINDOWS, DaysSeen, Kinds
from mia.tables import CATEGORY


def _category(name: str) -> Feature:
    return Feature(
        f"data_mb_{name}_30d",
        "MiB",
        30,
        f"mobile data of the category `{name}` in the last 30 days",
        tally=lambda keys: (keys["key"] == f"{CATEGORY}:{name}").ifelse(keys["bytes_30d"], 0.0).sum() / MEBIBYTE,
    )


def _active_days(days: int) -> Feature:
    return Feature(
        f"active_days_{days}d",
        "day",
        days,
        f"days with any record but fees and top-ups in the last {days} days",
        derive=lambda row: seen_days(row, ACTIVE, days),
        seen=ACTIVE,
    )


def _kind_days(kind: str, about: str) -> Feature:
    seen = DaysSeen(Kinds((kind,)))
    return Feature(
        f"{kind}_days_30d",
        "day",
        30,
        f"days with {about} in the last 30 days",
        derive=lambda row: seen_days(row, seen, 30),
        seen=seen,
    )


VOLUMES: tuple[Feature, ...] = (
    *windowed("voice_minutes", "minute", "minutes of calls", lambda n: total("quantity", n, "voice", divisor=MINUTE)),
    *windowed(
        "voice_out_minutes",
        "minute",
        "minutes of outgoing calls",
        lambda n: total("out_quantity", n, "voice", divisor=MINUTE),
    ),
    *windowed("voice_calls", "call", "calls", lambda n: total("records", n, "voice")),
    *windowed("sms_count", "message", "messages", lambda n: total("quantity", n, "sms", divisor=UNITS)),
    *windowed("data_mb", "MiB", "mobile data", lambda n: total("quantity", n, "data", divisor=MEBIBYTE)),
    *windowed("data_sessions", "session", "data sessions", lambda n: total("records", n, "data")),
    *windowed(
        "content_count", "unit", "units of content bought", lambda n: total("quantity", n, "content", divisor=UNITS)
    ),
    *windowed(
        "roaming_data_mb",
        "MiB",
        "mobile data in national or international roaming",
        lambda n: total("away_quantity", n, "data", divisor=MEBIBYTE),
    ),
    *windowed(
        "roaming_voice_minutes",
        "minute",
        "minutes of calls in national or international roaming",
        lambda n: total("away_quantity", n, "voice", divisor=MINUTE),
    ),
    *windowed(
        "active_records",
        "record",
        "records but fees and top-ups",
        lambda n: total_but("records", n, *PASSIVE_KINDS),
    ),
    *windowed("voice_out_calls", "call", "outgoing calls", lambda n: total("out_records", n, "voice"), days=(30,)),
    *windowed(
        "voice_on_net_minutes",
        "minute",
        "minutes of calls inside the network",
        lambda n: total("on_net_quantity", n, "voice", divisor=MINUTE),
        days=(30,),
    ),
    *windowed(
        "sms_out_count",
        "message",
        "messages sent",
        lambda n: total("out_quantity", n, "sms", divisor=UNITS),
        days=(30,),
    ),
    *windowed(
        "abroad_data_mb",
        "MiB",
        "mobile data in international roaming",
        lambda n: total("abroad_quantity", n, "data", divisor=MEBIBYTE),
        days=(30,),
    ),
    *windowed(
        "abroad_voice_minutes",
        "minute",
        "minutes of calls in international roaming",
        lambda n: total("abroad_quantity", n, "voice", divisor=MINUTE),
        days=(30,),
    ),
    *map(_category, APP_CATEGORIES),
    *map(_active_days, WINDOWS),
    _kind_days("voice", "calls"),
    _kind_days("data", "mobile data"),
)
