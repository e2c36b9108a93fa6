"""How much: volumes and counts by kind, direction, network, roaming and category."""

from mia.domain.usage import APP_CATEGORIES
from mia.profiles.daily import PASSIVE_KINDS
from mia.profiles.features.feature import MEBIBYTE, MINUTE, UNITS, Feature, bits, days_seen, total, total_but, windowed
from mia.profiles.windows import WINDOWS
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
        derive=lambda row: days_seen(row, "active", days),
    )


def _kind_days(kind: str, about: str) -> Feature:
    return Feature(
        f"{kind}_days_30d",
        "day",
        30,
        f"days with {about} in the last 30 days",
        derive=lambda row: days_seen(row, kind, 30),
    )


VOLUMES: tuple[Feature, ...] = (
    *windowed(
        "voice_minutes", "minute", "minutes of calls", lambda n: total(f"quantity_{n}d", "voice", divisor=MINUTE)
    ),
    *windowed(
        "voice_out_minutes",
        "minute",
        "minutes of outgoing calls",
        lambda n: total(f"out_quantity_{n}d", "voice", divisor=MINUTE),
    ),
    *windowed("voice_calls", "call", "calls", lambda n: total(f"records_{n}d", "voice")),
    *windowed("sms_count", "message", "messages", lambda n: total(f"quantity_{n}d", "sms", divisor=UNITS)),
    *windowed("data_mb", "MiB", "mobile data", lambda n: total(f"quantity_{n}d", "data", divisor=MEBIBYTE)),
    *windowed("data_sessions", "session", "data sessions", lambda n: total(f"records_{n}d", "data")),
    *windowed(
        "content_count", "unit", "units of content bought", lambda n: total(f"quantity_{n}d", "content", divisor=UNITS)
    ),
    *windowed(
        "roaming_data_mb",
        "MiB",
        "mobile data in national or international roaming",
        lambda n: total(f"away_quantity_{n}d", "data", divisor=MEBIBYTE),
    ),
    *windowed(
        "roaming_voice_minutes",
        "minute",
        "minutes of calls in national or international roaming",
        lambda n: total(f"away_quantity_{n}d", "voice", divisor=MINUTE),
    ),
    *windowed(
        "active_records",
        "record",
        "records but fees and top-ups",
        lambda n: total_but(f"records_{n}d", *PASSIVE_KINDS),
    ),
    *windowed("voice_out_calls", "call", "outgoing calls", lambda n: total(f"out_records_{n}d", "voice"), days=(30,)),
    *windowed(
        "voice_on_net_minutes",
        "minute",
        "minutes of calls inside the network",
        lambda n: total(f"on_net_quantity_{n}d", "voice", divisor=MINUTE),
        days=(30,),
    ),
    *windowed(
        "sms_out_count",
        "message",
        "messages sent",
        lambda n: total(f"out_quantity_{n}d", "sms", divisor=UNITS),
        days=(30,),
    ),
    *windowed(
        "abroad_data_mb",
        "MiB",
        "mobile data in international roaming",
        lambda n: total(f"abroad_quantity_{n}d", "data", divisor=MEBIBYTE),
        days=(30,),
    ),
    *windowed(
        "abroad_voice_minutes",
        "minute",
        "minutes of calls in international roaming",
        lambda n: total(f"abroad_quantity_{n}d", "voice", divisor=MINUTE),
        days=(30,),
    ),
    *map(_category, APP_CATEGORIES),
    *bits("active", *PASSIVE_KINDS, but=True),
    *(column for kind in ("voice", "sms", "data", "content", "top_up") for column in bits(kind, kind)),
    *map(_active_days, WINDOWS),
    _kind_days("voice", "calls"),
    _kind_days("data", "mobile data"),
)
