"""Features of every subscriber and day, from window sums, key sums and what is known of the subscribers."""

import ibis
from ibis.expr.types import BooleanValue, NumericValue, StringValue, Table

from mia.profiles.features.declared import COLUMNS, FEATURE_NAMES, WINDOW_COLUMNS
from mia.profiles.features.package import ACTIVATED_DAY, ALLOWANCES
from mia.tables import ACTIVATED_ON, AS_OF, CATEGORY, KIND, SUBSCRIBER_ID
from mia.timeline import DAY_SECONDS

DAY_COUNTS = ("_days_7d", "_days_30d", "_days_90d")
_BY = [SUBSCRIBER_ID, AS_OF]


def build_features(sums: Table, key_sums: Table, subscribers: Table, spine: Table) -> Table:
    """Features of every (subscriber_id, as_of) of `spine`; as_of is a day number.

    `sums` (of WINDOW_COLUMNS) and `key_sums` are window sums and key sums of the same days, `subscribers` carries
    activated_on and, where they are known, the allowances of the tariff. Returns subscriber_id, as_of and the features
    in their order; a spine row without sums gets zeros and nulls.
    """
    tallied = key_sums.filter(_is_tallied(key_sums["key"]), key_sums["records_30d"] > 0)
    tallies = tallied.group_by(_BY).aggregate(**{each.name: each.tally(tallied) for each in COLUMNS if each.tally})
    wide = _joined(spine, sums, _BY)
    wide = _joined(wide, tallies, _BY)
    wide = _joined(wide, _known(subscribers), [SUBSCRIBER_ID])
    filled = wide.mutate(
        **{each.name: each.total.of(wide) for each in COLUMNS if each.total},
        **{each.name: wide[each.name].fill_null(0.0) for each in COLUMNS if each.tally},
        **{name: wide[name].fill_null(0) for each in WINDOW_COLUMNS.seen for name in (each.recent, each.older)},
    )
    # Two steps: a ratio may stand on a column that is itself derived.
    first = [each for each in COLUMNS if each.derive and each.name.endswith(DAY_COUNTS)]
    counted = filled.mutate(**{each.name: each.derive(filled) for each in first if each.derive})
    rest = [each for each in COLUMNS if each.derive and each not in first]
    derived = counted.mutate(**{each.name: each.derive(counted) for each in rest if each.derive})
    return derived.select(*_BY, *(derived[name].cast("float64").name(name) for name in FEATURE_NAMES))


def _is_tallied(key: StringValue) -> BooleanValue:
    return key.startswith(f"{CATEGORY}:") | key.startswith(f"{KIND}:")


def spine_of_day(subscribers: Table, sums: Table, as_of: int) -> Table:
    """Every subscriber who was known by a day, with that day: the contract had begun, or there are records before it.

    Records may come before the contract where a number moved to a new one; whoever has them is not left out.
    """
    begun = _activated_day(subscribers) <= as_of
    seen = subscribers[SUBSCRIBER_ID].isin(sums[SUBSCRIBER_ID])
    return subscribers.filter(begun | seen).select(SUBSCRIBER_ID, as_of=ibis.literal(as_of, "int64"))


def _joined(left: Table, right: Table, keys: list[str]) -> Table:
    both = left.left_join(right, keys)
    return both.drop(*(name for name in both.columns if name.endswith("_right")))


def _known(subscribers: Table) -> Table:
    types = subscribers.schema()
    allowances = {
        name: subscribers[name].cast("float64") if name in types and types[name].is_numeric() else ibis.null("float64")
        for name in ALLOWANCES.values()
    }
    return subscribers.select(SUBSCRIBER_ID, **{ACTIVATED_DAY: _activated_day(subscribers)}, **allowances)


def _activated_day(subscribers: Table) -> NumericValue:
    return (subscribers[ACTIVATED_ON].cast("timestamp").epoch_seconds() / float(DAY_SECONDS)).floor().cast("int64")
