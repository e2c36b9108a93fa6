"""Trends and slopes, worked out slowly."""

from statistics import linear_regression

from tests.unit.profiles.reference.habits import over
from tests.unit.profiles.reference.people import Known
from tests.unit.profiles.reference.volumes import amount

KINDS_WITH_CHARGE = ("voice", "sms", "data", "content", "fee", "purchase")


def mean(known: Known, days: int, of: str, *kinds: str) -> float:
    return sum(getattr(use.record, of) for use in known.last(days, *kinds)) / days


def slope(known: Known, kind: str, unit: float) -> float:
    uses = known.last(90, kind)
    daily = [amount([use for use in uses if use.day == day]) / unit for day in known.days(90)]
    return linear_regression(range(90), daily).slope * 7


def trends(known: Known) -> dict[str, float | None]:
    def trend(short: int, long: int, of: str, *kinds: str) -> float | None:
        return over(mean(known, short, of, *kinds), mean(known, long, of, *kinds))

    return {
        "data_trend_30d": trend(7, 30, "quantity", "data"),
        "voice_trend_30d": trend(7, 30, "quantity", "voice"),
        "sms_trend_30d": trend(7, 30, "quantity", "sms"),
        "charge_trend_30d": trend(7, 30, "charge", *KINDS_WITH_CHARGE),
        "data_trend_90d": trend(30, 90, "quantity", "data"),
        "voice_trend_90d": trend(30, 90, "quantity", "voice"),
        "charge_trend_90d": trend(30, 90, "charge", *KINDS_WITH_CHARGE),
        "top_up_trend_90d": trend(30, 90, "charge", "top_up"),
        "data_slope_90d": slope(known, "data", 2**20),
        "voice_slope_90d": slope(known, "voice", 60),
    }
