"""Shares, regularity and how long ago, worked out slowly."""

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date
from statistics import pstdev

from tests.unit.profiles.reference.people import Known, Use
from tests.unit.profiles.reference.volumes import AWAY, amount, categories_of, days_of, mebibytes, on_net, out, roaming


def over(part: float, whole: float | None) -> float | None:
    return part / whole if whole else None


def entropy(counts: Iterable[int]) -> float | None:
    some = [count for count in counts if count]
    if not some:
        return None
    return -sum(count / sum(some) * math.log(count / sum(some)) for count in some)


def rounded(number: float) -> int:
    """To the nearest whole number, a half up."""
    return math.floor(number + 0.5)


def variation(known: Known, kind: str, step: int) -> float | None:
    uses = known.last(30, kind)
    daily = [rounded(amount([use for use in uses if use.day == day]) / step) for day in known.days(30)]
    return over(pstdev(daily), sum(daily) / 30)


def since(known: Known, uses: list[Use]) -> float | None:
    return min(((known.as_of - use.day).days for use in uses), default=None)


def longest_silence(days: list[date], active: set[date]) -> int:
    longest = run = 0
    for day in days:
        run = 0 if day in active else run + 1
        longest = max(longest, run)
    return longest


def habits(known: Known) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for kind in ("data", "voice"):
        uses = known.last(30, kind)
        whole = amount(uses)
        found |= {
            f"{kind}_night_share_30d": over(amount([u for u in uses if u.hour >= 22 or u.hour < 6]), whole),
            f"{kind}_weekend_share_30d": over(amount([u for u in uses if f"{u.day:%a}" in ("Sat", "Sun")]), whole),
            f"{kind}_work_share_30d": over(amount([u for u in uses if 9 <= u.hour < 18]), whole),
        }
    voice, data, active = known.last(30, "voice"), known.last(30, "data"), known.active(30)
    categories = Counter(name for use in known.last(30) for name in categories_of(use))
    found |= {
        "voice_on_net_share_30d": over(amount(on_net(voice)), amount(voice)),
        "voice_out_share_30d": over(amount(out(voice)), amount(voice)),
        "data_roaming_share_30d": over(amount(roaming(data, *AWAY)), amount(data)),
        "data_mb_per_active_day_30d": over(mebibytes(data), days_of(active)),
        "categories_30d": len(categories),
        "top_category_share_30d": over(max(categories.values(), default=0), sum(categories.values())),
        "category_entropy_30d": entropy(categories.values()),
        "kind_entropy_30d": entropy(Counter(use.record.kind for use in active).values()),
        "hour_entropy_30d": entropy(Counter(use.hour // 3 for use in active).values()),
        "data_daily_cv_30d": variation(known, "data", 65_536),
        "voice_daily_cv_30d": variation(known, "voice", 1),
        "longest_silence_90d": longest_silence(known.days(90), {use.day for use in known.active(90)}),
        "days_since_active": since(known, known.active(90)),
    }
    for kind in ("top_up", "voice", "sms", "data", "content"):
        found[f"days_since_{kind}"] = since(known, known.last(90, kind))
    return found
