"""Charges, discounts, top-ups and the package, worked out slowly."""

from statistics import mean

from tests.unit.profiles.reference.habits import over
from tests.unit.profiles.reference.people import Known, Use
from tests.unit.profiles.reference.volumes import amount, days_of, mebibytes, minutes, out

TRAFFIC = ("voice", "sms", "data")


def charges(uses: list[Use]) -> float:
    return sum(use.record.charge for use in uses)


def charged(known: Known, days: int) -> float:
    """Charges of every kind but top-ups, which add to the balance."""
    return charges([use for use in known.last(days) if use.record.kind != "top_up"])


def discounted(uses: list[Use]) -> list[Use]:
    return [use for use in uses if use.record.discount]


def top_ups(known: Known) -> dict[str, float | None]:
    uses = known.last(90, "top_up")
    days = sorted({use.day for use in uses})
    gaps = [(later - earlier).days for earlier, later in zip(days, days[1:], strict=False)]
    return {
        "top_up_mean_90d": over(charges(uses), len(uses)),
        "top_up_pay_day_share_90d": over(sum(use.day.day in (5, 10, 20, 25) for use in uses), len(uses)),
        "last_top_up_90d": charges([use for use in uses if use.day == days[-1]]) if days else None,
        "days_between_top_ups_90d": mean(gaps) if gaps else None,
    }


def money(known: Known) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for n in (7, 30, 90):
        found |= {
            f"charge_sum_{n}d": charged(known, n),
            f"traffic_charge_{n}d": charges(known.last(n, *TRAFFIC)),
            f"content_charge_{n}d": charges(known.last(n, "content")),
            f"top_up_sum_{n}d": charges(known.last(n, "top_up")),
            f"top_up_count_{n}d": len(known.last(n, "top_up")),
            f"discounted_records_{n}d": len(discounted(known.active(n))),
            f"discount_sum_{n}d": sum(use.record.discount or 0 for use in known.last(n)),
        }
    home = [use for use in known.last(30, *TRAFFIC) if use.record.roaming in ("home", None)]
    found |= {
        "fee_charge_30d": charges(known.last(30, "fee")),
        "fee_charge_90d": charges(known.last(90, "fee")),
        "voice_charge_30d": charges(known.last(30, "voice")),
        "sms_charge_30d": charges(known.last(30, "sms")),
        "data_charge_30d": charges(known.last(30, "data")),
        "over_package_charge_30d": charges(home),
        "discounted_share_90d": over(len(discounted(known.active(90))), len(known.active(90))),
        "charge_per_active_day_30d": over(charged(known, 30), days_of(known.active(30))),
        "content_charge_share_90d": over(charges(known.last(90, "content")), charged(known, 90)),
        "revenue_per_month_90d": charged(known, 90) / 3,
    }
    return found | top_ups(known)


def package(known: Known) -> dict[str, float | None]:
    def used(days: int) -> dict[str, float]:
        return {
            "data": mebibytes(known.last(days, "data")),
            "voice": minutes(out(known.last(days, "voice"))),
            "sms": amount(out(known.last(days, "sms"))),
        }

    person = known.person
    allowances = {"data": person.tariff_data_mb, "voice": person.tariff_voice_minutes, "sms": person.tariff_sms}
    found: dict[str, float | None] = {"tenure_days": max((known.as_of - person.activated_on).days, 0)}
    for kind, allowance in allowances.items():
        month, week = used(30)[kind], used(7)[kind]
        found |= {
            f"{kind}_package_used_share_30d": over(month, allowance),
            f"{kind}_package_left_30d": None if allowance is None else max(allowance - month, 0),
            f"{kind}_package_above_30d": None if allowance is None else max(month - allowance, 0),
        }
        if kind != "sms":
            found[f"{kind}_package_lasts_7d"] = None if allowance is None else over(allowance, week / 7)
    return found
