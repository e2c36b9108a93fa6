"""Where it is going: a short window against a longer one, and the slope over weeks."""

from ibis.expr.types import NumericValue, Table

from mia.profiles.features.feature import MEBIBYTE, MINUTE, Feature, Total, part
from mia.profiles.windows import LONGEST, Kinds, Ramp

_MEAN_AGE = (LONGEST + 1) / 2
_AGE_SQUARES = LONGEST * (LONGEST**2 - 1) / 12


def _trend(name: str, column: str, what: str, short: int, long: int) -> Feature:
    def of(row: Table) -> NumericValue:
        return (row[f"{column}_{short}d"] / float(short)) / (row[f"{column}_{long}d"] / float(long)).nullif(0.0)

    about = f"daily {what} of the last {short} days over that of the last {long}; null without {what} in {long} days"
    return Feature(name, "ratio", long, about, derive=of)


def _slope(kind: str, column: str, divisor: float, what: str, unit: str) -> list[Feature]:
    """Least squares of daily values on time: the slope is -sum((age - mean age) x value) / sum((age - mean age)^2)."""

    def of(row: Table) -> NumericValue:
        return (_MEAN_AGE * row[column] - row[f"{kind}_ramp"]) / _AGE_SQUARES * 7.0

    return [
        part(f"{kind}_ramp", Total(Ramp(Kinds((kind,))), divisor)),
        Feature(
            f"{kind}_slope_90d",
            f"{unit} a day a week",
            LONGEST,
            f"growth of daily {what} in a week, by least squares over the last {LONGEST} days",
            derive=of,
        ),
    ]


TRENDS: tuple[Feature, ...] = (
    _trend("data_trend_30d", "data_mb", "data", 7, 30),
    _trend("voice_trend_30d", "voice_minutes", "call time", 7, 30),
    _trend("sms_trend_30d", "sms_count", "messages", 7, 30),
    _trend("charge_trend_30d", "charge_sum", "charge", 7, 30),
    _trend("data_trend_90d", "data_mb", "data", 30, 90),
    _trend("voice_trend_90d", "voice_minutes", "call time", 30, 90),
    _trend("charge_trend_90d", "charge_sum", "charge", 30, 90),
    _trend("top_up_trend_90d", "top_up_sum", "amount of top-ups", 30, 90),
    *_slope("data", "data_mb_90d", MEBIBYTE, "data", "MiB"),
    *_slope("voice", "voice_minutes_90d", MINUTE, "call time", "minute"),
)
