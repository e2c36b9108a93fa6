"""Daily measures: what one day of records folds into. Every measure is a sum, so that days merge by adding.

Seconds, messages, bytes and records are whole numbers and money is counted in whole grains, so the sums are exact: the
same records give the same bits however they are split into files, days, chunks and threads.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import ibis
from ibis.expr.types import BooleanValue, NumericValue, Table

from mia.domain.usage import USAGE_KINDS
from mia.tables import (
    CATEGORY,
    CHARGE,
    DIRECTION,
    DISCOUNT,
    ITEM,
    KIND,
    LAKE_USAGE,
    LOCAL_DAY,
    LOCAL_HOUR,
    ON_NET,
    QUANTITY,
    ROAMING,
    SUBSCRIBER_ID,
)

NIGHT_FROM, NIGHT_TO = 22, 6
GRAINS = 1e11
"""Grains of one currency unit. Money is counted in whole grains, which add up to the same bits in any order; sums stay
exact up to 90,000 currency units, and a charge with more decimals than a grain has is off by 5e-12 at most."""
ENGINE_TYPES = {"str": "string", "int": "int64", "float": "float64", "bool": "boolean"}
PASSIVE_KINDS = tuple(kind.name for kind in USAGE_KINDS.values() if not kind.activity)


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the daily roll-up: the sum of `value` over the records where `where` holds."""

    name: str
    where: Callable[[Table], BooleanValue]
    value: Callable[[Table], NumericValue]

    def aggregate(self, usage: Table) -> NumericValue:
        """The measure as an aggregate over usage records; 0 where no record matches."""
        counted = self.where(usage).ifelse(self.value(usage), ibis.literal(0.0))
        return counted.cast("float64").sum().fill_null(0.0).name(self.name)


def is_weekend(day: NumericValue) -> BooleanValue:
    """Whether a day number is a Saturday or Sunday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7 >= 5


def _kind(*names: str) -> Callable[[Table], BooleanValue]:
    return lambda usage: usage[KIND].isin(names)


def _and(*conditions: Callable[[Table], BooleanValue]) -> Callable[[Table], BooleanValue]:
    return lambda usage: ibis.and_(*(condition(usage) for condition in conditions))


def _is(column: str, value: str) -> Callable[[Table], BooleanValue]:
    return lambda usage: usage[column] == value


def _night(usage: Table) -> BooleanValue:
    return (usage[LOCAL_HOUR] >= NIGHT_FROM) | (usage[LOCAL_HOUR] < NIGHT_TO)


def _away(usage: Table) -> BooleanValue:
    return usage[ROAMING].isin(["national", "international"])


def _active(usage: Table) -> BooleanValue:
    return usage[KIND].notin(PASSIVE_KINDS)


def _discounted(usage: Table) -> BooleanValue:
    return usage[DISCOUNT].fill_null(0.0) > 0


def _quantity(usage: Table) -> NumericValue:
    return usage[QUANTITY]


def whole(number: NumericValue) -> NumericValue:
    """A number of at least 0 rounded to a whole one, in float: no engine has an integer wide enough for all of them."""
    shifted = number + 0.5
    return shifted - shifted % 1.0


def in_grains(money: NumericValue) -> NumericValue:
    """Money as a whole number of grains, in float."""
    return whole(money.cast("float64") * GRAINS)


def _charge(usage: Table) -> NumericValue:
    return in_grains(usage[CHARGE])


def _one(usage: Table) -> NumericValue:  # noqa: ARG001 - every record counts as one
    return ibis.literal(1.0)


MEASURES: tuple[Measure, ...] = (
    Measure("voice_seconds", _kind("voice"), _quantity),
    Measure("voice_out_seconds", _and(_kind("voice"), _is(DIRECTION, "out")), _quantity),
    Measure("voice_on_net_seconds", _and(_kind("voice"), lambda usage: usage[ON_NET]), _quantity),
    Measure("voice_calls", _kind("voice"), _one),
    Measure("sms_quantity", _kind("sms"), _quantity),
    Measure("data_bytes", _kind("data"), _quantity),
    Measure("data_night_bytes", _and(_kind("data"), _night), _quantity),
    Measure("data_weekend_bytes", _and(_kind("data"), lambda usage: is_weekend(usage[LOCAL_DAY])), _quantity),
    Measure("data_sessions", _kind("data"), _one),
    Measure("content_quantity", _kind("content"), _quantity),
    Measure("content_charge", _kind("content"), _charge),
    Measure("roaming_bytes", _and(_kind("data"), _away), _quantity),
    Measure("roaming_seconds", _and(_kind("voice"), _away), _quantity),
    Measure("charge", lambda usage: usage[KIND] != "top_up", _charge),
    Measure("traffic_charge", _kind("voice", "sms", "data"), _charge),
    Measure("top_up_amount", _kind("top_up"), _charge),
    Measure("top_up_count", _kind("top_up"), _one),
    Measure("active_records", _active, _one),
    Measure("discounted_records", _and(_active, _discounted), _one),
    Measure("discount", _discounted, lambda usage: in_grains(usage[DISCOUNT])),
)


def complete(usage: Table) -> Table:
    """Usage with every declared column: null in records that were loaded before there was such a column."""
    return usage.mutate(
        **{
            column.name: ibis.null(ENGINE_TYPES[column.dtype])
            for column in LAKE_USAGE.columns
            if column.name not in usage.columns
        }
    )


def roll_up(usage: Table) -> Table:
    """Daily roll-up: one row a (subscriber, local day) with every measure."""
    return usage.group_by([SUBSCRIBER_ID, LOCAL_DAY]).aggregate([measure.aggregate(usage) for measure in MEASURES])


@cache
def roll_up_fingerprint() -> str:
    """Short digest of how usage is rolled up; what was folded under another one is folded again."""
    usage = ibis.table({column.name: ENGINE_TYPES[column.dtype] for column in LAKE_USAGE.columns}, LAKE_USAGE.name)
    recipe = [ibis.to_sql(expression, dialect="duckdb") for expression in (roll_up(usage), roll_up_keys(usage))]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12]


def roll_up_keys(usage: Table) -> Table:
    """Daily roll-up of what was used: one row a (subscriber, local day, key) with records and charge.

    Keys read `category:name`, `item:id` and, for what was had at a discount, `discount:kind`; a record of the
    categories `a;b` counts for each. `charge` is in grains.
    """
    base = {
        SUBSCRIBER_ID: usage[SUBSCRIBER_ID],
        LOCAL_DAY: usage[LOCAL_DAY],
        "charge": in_grains(usage[CHARGE]),
    }
    tagged = usage.filter(usage[CATEGORY].notnull()).select(**base, name=usage[CATEGORY].split(";").unnest())
    name = tagged.name.strip()
    keyed = ibis.union(
        tagged.filter(name != "").select(*base, key=ibis.literal(f"{CATEGORY}:") + name),
        usage.filter(usage[ITEM].notnull()).select(**base, key=ibis.literal(f"{ITEM}:") + usage[ITEM]),
        usage.filter(_active(usage) & _discounted(usage)).select(
            **base, key=ibis.literal(f"{DISCOUNT}:") + usage[KIND]
        ),
    )
    return keyed.group_by([SUBSCRIBER_ID, LOCAL_DAY, "key"]).aggregate(
        records=keyed.count().cast("float64"), charge=keyed.charge.sum().fill_null(0.0)
    )
