"""The package of the tariff against its use, where its allowances are known, and the age of the contract."""

from ibis.expr.types import NumericValue, Table

from mia.profiles.features.feature import Feature
from mia.tables import AS_OF

ALLOWANCES = {"data": "tariff_data_mb", "voice": "tariff_voice_minutes", "sms": "tariff_sms"}
ACTIVATED_DAY = "activated_day"
_USED = {"data": "data_mb", "voice": "voice_out_minutes", "sms": "sms_out_count"}
_NOUN = {"data": "mobile data", "voice": "minutes of outgoing calls", "sms": "messages sent"}
_UNKNOWN = "null where the allowance is not known"
_UNIT = {"data": "MiB", "voice": "minute", "sms": "message"}


def _share(kind: str) -> Feature:
    return Feature(
        f"{kind}_package_used_share_30d",
        "share",
        30,
        f"{_NOUN[kind]} of the last 30 days over the allowance of the tariff; null where that is 0 or not known",
        derive=lambda row: row[f"{_USED[kind]}_30d"] / row[ALLOWANCES[kind]].nullif(0.0),
    )


def _left(kind: str) -> Feature:
    return Feature(
        f"{kind}_package_left_30d",
        _UNIT[kind],
        30,
        f"what the {_NOUN[kind]} of the last 30 days left of the allowance; {_UNKNOWN}",
        derive=lambda row: (row[ALLOWANCES[kind]] - row[f"{_USED[kind]}_30d"]).clip(lower=0.0),
    )


def _above(kind: str) -> Feature:
    return Feature(
        f"{kind}_package_above_30d",
        _UNIT[kind],
        30,
        f"{_NOUN[kind]} of the last 30 days above the allowance; {_UNKNOWN}",
        derive=lambda row: (row[f"{_USED[kind]}_30d"] - row[ALLOWANCES[kind]]).clip(lower=0.0),
    )


def _exhaustion(kind: str) -> Feature:
    def of(row: Table) -> NumericValue:
        daily = row[f"{_USED[kind]}_7d"] / 7.0
        return row[ALLOWANCES[kind]] / daily.nullif(0.0)

    return Feature(
        f"{kind}_package_lasts_7d",
        "day",
        7,
        f"days that a full allowance lasts with {_NOUN[kind]} as in the last 7 days; null without any, and {_UNKNOWN}",
        derive=of,
    )


PACKAGE: tuple[Feature, ...] = (
    *(make(kind) for kind in ALLOWANCES for make in (_share, _left, _above)),
    _exhaustion("data"),
    _exhaustion("voice"),
    Feature(
        "tenure_days",
        "day",
        None,
        "days from the first of the contract to the day of the profile; 0 before it",
        derive=lambda row: (row[AS_OF] - row[ACTIVATED_DAY]).clip(lower=0).cast("float64"),
    ),
)
