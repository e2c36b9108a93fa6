"""Volumes and counts, worked out slowly."""

from tests.unit.profiles.reference.people import Known, Use

CATEGORIES = ("video", "social", "music", "games", "maps", "messenger", "news", "work")
AWAY = ("national", "international")


def amount(uses: list[Use]) -> float:
    return sum(use.record.quantity for use in uses)


def minutes(uses: list[Use]) -> float:
    return amount(uses) / 60


def mebibytes(uses: list[Use]) -> float:
    return amount(uses) / 2**20


def out(uses: list[Use]) -> list[Use]:
    return [use for use in uses if use.record.direction == "out"]


def on_net(uses: list[Use]) -> list[Use]:
    return [use for use in uses if use.record.on_net is True]


def roaming(uses: list[Use], *where: str) -> list[Use]:
    return [use for use in uses if use.record.roaming in where]


def categories_of(use: Use) -> list[str]:
    return [name.strip() for name in (use.record.category or "").split(";") if name.strip()]


def days_of(uses: list[Use]) -> int:
    return len({use.day for use in uses})


def volumes(known: Known) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for n in (7, 30, 90):
        voice, sms, data = (known.last(n, kind) for kind in ("voice", "sms", "data"))
        found |= {
            f"voice_minutes_{n}d": minutes(voice),
            f"voice_out_minutes_{n}d": minutes(out(voice)),
            f"voice_calls_{n}d": len(voice),
            f"sms_count_{n}d": amount(sms),
            f"data_mb_{n}d": mebibytes(data),
            f"data_sessions_{n}d": len(data),
            f"content_count_{n}d": amount(known.last(n, "content")),
            f"roaming_data_mb_{n}d": mebibytes(roaming(data, *AWAY)),
            f"roaming_voice_minutes_{n}d": minutes(roaming(voice, *AWAY)),
            f"active_records_{n}d": len(known.active(n)),
            f"active_days_{n}d": days_of(known.active(n)),
        }
    voice, data = known.last(30, "voice"), known.last(30, "data")
    found |= {
        "voice_out_calls_30d": len(out(voice)),
        "voice_on_net_minutes_30d": minutes(on_net(voice)),
        "sms_out_count_30d": amount(out(known.last(30, "sms"))),
        "abroad_data_mb_30d": mebibytes(roaming(data, "international")),
        "abroad_voice_minutes_30d": minutes(roaming(voice, "international")),
        "voice_days_30d": days_of(voice),
        "data_days_30d": days_of(data),
    }
    for name in CATEGORIES:
        found[f"data_mb_{name}_30d"] = sum(use.record.quantity * categories_of(use).count(name) for use in data) / 2**20
    return found
