"""Daily roll-ups: what one day of records folds into. Every measure is an exact sum, so days merge by adding.

There are two: by kind (`roll_up`, one row a subscriber, day and kind) and by key (`roll_up_keys`: categories, items,
what was had at a discount). A row also says on which day its records were known: `known_day` is later than the
`local_day` they happened on where records came late.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import ibis
from ibis.expr.types import BooleanValue, NumericValue, Table

from mia.domain.usage import USAGE_KINDS
from mia.profiles.exact import money_grains, quantity_grains
from mia.tables import (
    CATEGORY,
    CHARGE,
    DIRECTION,
    DISCOUNT,
    ITEM,
    KIND,
    KNOWN_DAY,
    LAKE_USAGE,
    LOCAL_DAY,
    LOCAL_HOUR,
    ON_NET,
    ROAMING,
    SIGN,
    SUBSCRIBER_ID,
)

NIGHT_FROM, NIGHT_TO = 22, 6
WORK_FROM, WORK_TO = 9, 18
PARTS_OF_DAY = 8
HOURS_OF_PART = 24 // PARTS_OF_DAY
ENGINE_TYPES = {"str": "string", "int": "int64", "float": "float64", "bool": "boolean"}
PASSIVE_KINDS = tuple(kind.name for kind in USAGE_KINDS.values() if not kind.activity)
ACTIVE_KINDS = tuple(kind.name for kind in USAGE_KINDS.values() if kind.activity)
BY_KIND = (SUBSCRIBER_ID, LOCAL_DAY, KNOWN_DAY, KIND)
BY_KEY = (SUBSCRIBER_ID, LOCAL_DAY, KNOWN_DAY, "key")
BYTES_OF = "data"


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of the roll-up by kind: the sum of the column `of` over the records where `where` holds."""

    name: str
    of: str
    where: Callable[[Table], BooleanValue] | None = None

    def aggregate(self, records: Table) -> NumericValue:
        """The measure as an aggregate; 0 where no record matches."""
        values = records[self.of] if self.where is None else self.where(records).ifelse(records[self.of], 0.0)
        return values.sum().fill_null(0.0).name(self.name)


def _roaming(*where: str) -> Callable[[Table], BooleanValue]:
    return lambda records: records[ROAMING].isin(where)


def _out(records: Table) -> BooleanValue:
    return records[DIRECTION] == "out"


def _night(records: Table) -> BooleanValue:
    return (records[LOCAL_HOUR] >= NIGHT_FROM) | (records[LOCAL_HOUR] < NIGHT_TO)


def _working_hours(records: Table) -> BooleanValue:
    return (records[LOCAL_HOUR] >= WORK_FROM) & (records[LOCAL_HOUR] < WORK_TO)


def _at_home(records: Table) -> BooleanValue:
    return records[ROAMING].fill_null("home") == "home"


def _part(number: int) -> Measure:
    first = number * HOURS_OF_PART
    return Measure(
        f"part_{number}",
        "one",
        lambda records: (records[LOCAL_HOUR] >= first) & (records[LOCAL_HOUR] < first + HOURS_OF_PART),
    )


MEASURES: tuple[Measure, ...] = (
    Measure("records", "one"),
    Measure("quantity", "amount"),
    Measure("charge", "money"),
    Measure("out_records", "one", _out),
    Measure("out_quantity", "amount", _out),
    Measure("on_net_quantity", "amount", lambda records: records[ON_NET]),
    Measure("away_quantity", "amount", _roaming("national", "international")),
    Measure("abroad_quantity", "amount", _roaming("international")),
    Measure("night_quantity", "amount", _night),
    Measure("work_quantity", "amount", _working_hours),
    Measure("home_charge", "money", _at_home),
    Measure("discounted", "one", lambda records: records["off"] != 0),
    Measure("discount", "off"),
    *map(_part, range(PARTS_OF_DAY)),
)
KEY_MEASURES = ("records", "charge", "bytes")


def complete(usage: Table) -> Table:
    """Usage with every declared column, also in records that were loaded before there was such a column."""
    absent = [column for column in LAKE_USAGE.columns if column.name not in usage.columns]
    whole = usage.mutate(**{column.name: ibis.null(ENGINE_TYPES[column.dtype]) for column in absent})
    return whole.mutate(
        **{KNOWN_DAY: whole[KNOWN_DAY].fill_null(whole[LOCAL_DAY]), SIGN: whole[SIGN].fill_null(1).cast("float64")}
    )


def _records(usage: Table) -> Table:
    """What the measures add up, once a record; a record that is taken back counts below zero."""
    return usage.select(
        *BY_KIND,
        *(usage[name] for name in (LOCAL_HOUR, DIRECTION, ON_NET, ROAMING)),
        one=usage[SIGN],
        amount=quantity_grains(usage) * usage[SIGN],
        money=money_grains(usage[CHARGE]) * usage[SIGN],
        off=money_grains(usage[DISCOUNT].fill_null(0.0)) * usage[SIGN],
    )


def roll_up(usage: Table) -> Table:
    """Daily roll-up by kind: one row a (subscriber, local day, known day, kind) with every measure, in grains."""
    records = _records(usage)
    return records.group_by(BY_KIND).aggregate([measure.aggregate(records) for measure in MEASURES])


def roll_up_keys(usage: Table) -> Table:
    """Daily roll-up of what was used: one row a (subscriber, local day, known day, key); records, charge, bytes.

    Keys read `category:name`, `item:id`, `discount:kind` for what was had at a discount, and `kind:name` for kinds that
    an operator declared; a record of the categories `a;b` counts for each. `charge` is in grains.
    """
    base = {
        **{name: usage[name] for name in BY_KIND[:-1]},
        "one": usage[SIGN],
        "money": money_grains(usage[CHARGE]) * usage[SIGN],
        "volume": (usage[KIND] == BYTES_OF).ifelse(quantity_grains(usage) * usage[SIGN], 0.0),
    }
    tagged = usage.filter(usage[CATEGORY].notnull()).select(**base, name=usage[CATEGORY].split(";").unnest())
    # Trimming every name costs as much as all the rest.
    name = tagged.name.contains(" ").ifelse(tagged.name.strip(), tagged.name)
    discounted = usage.filter(usage[KIND].notin(PASSIVE_KINDS) & (usage[DISCOUNT] > 0))
    declared = usage.filter(usage[KIND].notin(list(USAGE_KINDS)))
    keyed = ibis.union(
        tagged.filter(name != "").select(*base, key=ibis.literal(f"{CATEGORY}:") + name),
        usage.filter(usage[ITEM].notnull()).select(**base, key=ibis.literal(f"{ITEM}:") + usage[ITEM]),
        discounted.select(**base, key=ibis.literal(f"{DISCOUNT}:") + discounted[KIND]),
        declared.select(**base, key=ibis.literal(f"{KIND}:") + declared[KIND]),
    )
    return keyed.group_by(BY_KEY).aggregate(
        records=keyed.one.sum().fill_null(0.0),
        charge=keyed.money.sum().fill_null(0.0),
        bytes=keyed.volume.sum().fill_null(0.0),
    )


def merge_known(daily: Table, *, by: tuple[str, ...]) -> Table:
    """One row a day again where records of one day became known on several; `by` is BY_KIND or BY_KEY."""
    keys = [name for name in by if name != KNOWN_DAY]
    measures = [name for name in daily.columns if name not in by]
    return daily.group_by(keys).aggregate(
        daily[KNOWN_DAY].max().name(KNOWN_DAY), *(daily[name].sum().name(name) for name in measures)
    )


@cache
def roll_up_fingerprint() -> str:
    """Short digest of how usage is rolled up; what was folded under another one is folded again."""
    usage = ibis.table({column.name: ENGINE_TYPES[column.dtype] for column in LAKE_USAGE.columns}, LAKE_USAGE.name)
    recipe = [ibis.to_sql(fold(complete(usage)), dialect="duckdb") for fold in (roll_up, roll_up_keys)]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12]
