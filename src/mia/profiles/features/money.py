"""What it costs: charges by kind, discounts, top-ups, and the package against its use."""

import ibis
from ibis.expr.types import NumericValue, Table

from mia.profiles.daily import PASSIVE_KINDS
from mia.profiles.features.feature import (
    MONEY,
    Feature,
    Total,
    days_since,
    days_since_first,
    part,
    ratio,
    seen_days,
    total,
    total_but,
    windowed,
)
from mia.profiles.windows import LONGEST, DaysSeen, Kinds, LastCharge

TRAFFIC = ("voice", "sms", "data")
TOP_UPS = DaysSeen(Kinds(("top_up",)))


def _gap(row: Table) -> NumericValue:
    days = seen_days(row, TOP_UPS, LONGEST)
    return (days_since_first(row, TOP_UPS) - days_since(row, TOP_UPS)) / ibis.greatest(days - 1.0, 0.0).nullif(0.0)


def _last_top_up(row: Table) -> NumericValue:
    return (seen_days(row, TOP_UPS, LONGEST) > 0).ifelse(row["last_top_up_charge"], ibis.null("float64"))


MONEY_FEATURES: tuple[Feature, ...] = (
    *windowed(
        "charge_sum",
        "currency",
        "charges of every kind but top-ups",
        lambda n: total_but("charge", n, "top_up", divisor=MONEY),
    ),
    *windowed(
        "traffic_charge",
        "currency",
        "charges for calls, messages and data",
        lambda n: total("charge", n, *TRAFFIC, divisor=MONEY),
    ),
    *windowed(
        "content_charge", "currency", "charges for content", lambda n: total("charge", n, "content", divisor=MONEY)
    ),
    *windowed(
        "fee_charge",
        "currency",
        "fees",
        lambda n: total("charge", n, "fee", divisor=MONEY),
        days=(30, 90),
    ),
    *(
        feature
        for kind, noun in (("voice", "calls"), ("sms", "messages"), ("data", "data"))
        for feature in windowed(
            f"{kind}_charge",
            "currency",
            f"charges for {noun}",
            lambda n, kind=kind: total("charge", n, kind, divisor=MONEY),  # type: ignore[misc]
            days=(30,),
        )
    ),
    Feature(
        "over_package_charge_30d",
        "currency",
        30,
        "charges at home for the calls, messages and data that no package covers in the last 30 days",
        total=total("home_charge", 30, *TRAFFIC, divisor=MONEY),
    ),
    *windowed(
        "discounted_records",
        "record",
        "records but fees and top-ups with a discount",
        lambda n: total_but("discounted", n, *PASSIVE_KINDS),
    ),
    *windowed(
        "discount_sum",
        "currency",
        "discounts on records of every kind",
        lambda n: total("discount", n, divisor=MONEY),
    ),
    ratio(
        "discounted_share_90d",
        "share of records with a discount, fees and top-ups left out; null without such records",
        "discounted_records_90d",
        "active_records_90d",
        90,
    ),
    ratio(
        "charge_per_active_day_30d",
        "charges but top-ups a day with any record but fees and top-ups; null without such a day",
        "charge_sum_30d",
        "active_days_30d",
        30,
        unit="currency",
    ),
    ratio(
        "content_charge_share_90d",
        "share of content in the charges of every kind but top-ups; null without charges",
        "content_charge_90d",
        "charge_sum_90d",
        90,
    ),
    Feature(
        "revenue_per_month_90d",
        "currency",
        90,
        "a third of the charges of every kind but top-ups in the last 90 days",
        derive=lambda row: row["charge_sum_90d"] / 3.0,
    ),
    *windowed("top_up_sum", "currency", "amount of top-ups", lambda n: total("charge", n, "top_up", divisor=MONEY)),
    *windowed("top_up_count", "top-up", "top-ups", lambda n: total("records", n, "top_up")),
    ratio(
        "top_up_mean_90d",
        "mean amount of a top-up; null without top-ups",
        "top_up_sum_90d",
        "top_up_count_90d",
        90,
        unit="currency",
    ),
    part("top_up_pay_day_records", total("pay_day_records", 90, "top_up")),
    ratio(
        "top_up_pay_day_share_90d",
        "share of top-ups on the 5th, 10th, 20th and 25th of a month; null without top-ups",
        "top_up_pay_day_records",
        "top_up_count_90d",
        90,
    ),
    part("last_top_up_charge", Total(LastCharge("top_up"), MONEY)),
    Feature(
        "last_top_up_90d",
        "currency",
        90,
        "amount of top-ups on the last day with one; null without one in 90 days",
        derive=_last_top_up,
        seen=TOP_UPS,
    ),
    Feature(
        "days_between_top_ups_90d",
        "day",
        90,
        "mean days from one day with a top-up to the next; null with fewer than two such days",
        derive=_gap,
        seen=TOP_UPS,
    ),
)
