"""The sparse halves of a profile: which categories and items a subscriber uses, and how it answered which offers.

As with `mia.profiles.windows`, sums over days are exact, and move from one day to the next by adding the day that ended
and taking away the days that left a window.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr.types import NumericValue, Table

from mia.frames import Ints, Objects, SparseBlock
from mia.profiles.exact import MONEY_GRAINS
from mia.tables import AS_OF, CATEGORY, KIND, KNOWN_DAY, LOCAL_DAY, OFFER_ID, SUBSCRIBER_ID

USAGE_HORIZON = 365
RESPONSE_HORIZON = 365
FRESH_DAYS = 120
USAGE_MEASURES = ("records_30d", "records_90d", "records_365d", "days_365d", "charge_365d", "fresh")
RESPONSE_MEASURES = ("impressions", "connections", "declines", "fresh_connections")
BY = (SUBSCRIBER_ID, AS_OF, "key")
_SUMS = {
    "records_30d": ("records", 30),
    "records_90d": ("records", 90),
    "records_120d": ("records", FRESH_DAYS),
    "records_365d": ("records", USAGE_HORIZON),
    "days_365d": ("seen", USAGE_HORIZON),
    "charge_365d": ("charge", USAGE_HORIZON),
    "bytes_30d": ("bytes", 30),
}
_RAMP = "ramp"


def sum_keys(days: Table) -> Table:
    """Key sums of every (subscriber_id, as_of, key) with records in the last 365 days.

    `days` are rows of the roll-up by key with the `as_of` they count for. `ramp` weighs a record of yesterday with 120,
    one of the day before with 119, and so on.
    """
    age = days[AS_OF] - days[LOCAL_DAY]
    rows = _seen(days.filter(age >= 1, age <= USAGE_HORIZON, days[KNOWN_DAY] < days[AS_OF]))
    age = rows[AS_OF] - rows[LOCAL_DAY]
    sums = rows.group_by(BY).aggregate(
        *(_sum((age <= span).ifelse(rows[of], 0.0)).name(name) for name, (of, span) in _SUMS.items()),
        _sum(rows["records"] * (FRESH_DAYS + 1 - age).clip(lower=0).cast("float64")).name(_RAMP),
    )
    return sums.filter(sums["records_365d"] > 0)


def advance_keys(sums: Table, days: Table, as_of: int) -> Table:
    """The key sums of day `as_of`, from those of the day before and the rows of `edge_days_of_keys(as_of)`."""
    rows = _seen(days)
    newest = rows[LOCAL_DAY] == as_of - 1
    change = rows.group_by([SUBSCRIBER_ID, "key"]).aggregate(
        *(
            _sum(newest.ifelse(rows[of], (rows[LOCAL_DAY] == as_of - 1 - span).ifelse(-rows[of], 0.0))).name(
                f"{name}_change"
            )
            for name, (of, span) in _SUMS.items()
        ),
        _sum(newest.ifelse(rows["records"] * float(FRESH_DAYS), 0.0)).name(f"{_RAMP}_change"),
    )
    both = sums.outer_join(change, [SUBSCRIBER_ID, "key"])
    moved = both.select(
        ibis.coalesce(both[SUBSCRIBER_ID], both[f"{SUBSCRIBER_ID}_right"]).name(SUBSCRIBER_ID),
        ibis.literal(as_of, "int64").name(AS_OF),
        ibis.coalesce(both["key"], both["key_right"]).name("key"),
        *((both[name].fill_null(0.0) + both[f"{name}_change"].fill_null(0.0)).name(name) for name in _SUMS),
        (
            both[_RAMP].fill_null(0.0)
            - both[f"records_{FRESH_DAYS}d"].fill_null(0.0)
            + both[f"{_RAMP}_change"].fill_null(0.0)
        ).name(_RAMP),
    )
    return moved.filter(moved["records_365d"] > 0)


def edge_days_of_keys(as_of: int) -> list[int]:
    """The local days whose roll-ups take key sums of the day before to those of `as_of`."""
    return [as_of - 1, *(as_of - 1 - span for span in sorted({span for _, span in _SUMS.values()}))]


def build_usage_keys(sums: Table) -> Table:
    """Usage keys in long form, from key sums: records in 30, 90 and 365 days, days and charge in 365, and `fresh`.

    `fresh` sums records with a weight that falls from 1 for yesterday to 0 after 120 days in equal steps.
    """
    return sums.select(
        *BY,
        *(sums[name] for name in ("records_30d", "records_90d", "records_365d", "days_365d")),
        charge_365d=sums["charge_365d"] / MONEY_GRAINS,
        fresh=sums[_RAMP] / float(FRESH_DAYS),
    )


def build_response_keys(events: Table, categories: Table, spine: Table) -> Table:
    """How a subscriber answered each offer and each category of offers before as_of, in long form.

    `categories` has offer_id and category; `fresh_connections` weighs connections as `fresh` weighs records. Keys read
    `offer:id` and `offer_category:name`.
    """
    known = events.left_join(categories, [OFFER_ID])
    base = {
        SUBSCRIBER_ID: known[SUBSCRIBER_ID],
        LOCAL_DAY: known[LOCAL_DAY],
        KIND: known[KIND],
    }
    keyed = ibis.union(
        known.select(**base, key=ibis.literal("offer:") + known[OFFER_ID]),
        known.filter(known[CATEGORY].notnull()).select(**base, key=ibis.literal("offer_category:") + known[CATEGORY]),
    )
    joined = _before(keyed, spine)
    age = joined[AS_OF] - joined[LOCAL_DAY]
    weight = (FRESH_DAYS + 1 - age).clip(lower=0).cast("float64")

    def count(kind: str) -> NumericValue:
        return (joined[KIND] == kind).cast("int64").sum().cast("float64")

    return joined.group_by(BY).aggregate(
        impressions=count("impression"),
        connections=count("connection"),
        declines=count("decline"),
        fresh_connections=_sum((joined[KIND] == "connection").ifelse(weight, 0.0)) / float(FRESH_DAYS),
    )


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Row numbers of (subscriber_id, as_of) pairs."""

    subscriber_ids: Objects
    as_of: Ints

    def block(self, long: pa.Table, measures: tuple[str, ...]) -> SparseBlock:
        """A long table with subscriber_id, as_of, key and measures as a sparse block in the order of the rows, and
        within a row of the keys. The vocabulary is in the order in which keys are met.
        """
        people = pa.array(self.subscriber_ids, pa.string()).dictionary_encode()
        count = max(len(people.dictionary), 1)
        own = self.as_of * count + people.indices.to_numpy(zero_copy_only=False)
        by_code = np.argsort(own)
        found = pc.index_in(long[SUBSCRIBER_ID].cast(pa.string()), people.dictionary)
        asked = long[AS_OF].to_numpy() * count + pc.fill_null(found, -1).to_numpy()
        place = np.minimum(np.searchsorted(own, asked, sorter=by_code), len(own) - 1)
        row = by_code[place] if len(own) else place
        kept = np.flatnonzero((own[row] == asked) & found.is_valid().to_numpy()) if len(own) else place[:0]
        keys = long["key"].cast(pa.string()).combine_chunks().dictionary_encode()
        words = np.asarray(keys.dictionary.to_pylist(), object)
        alphabet = np.argsort(words)
        rank = np.empty(len(words), np.int64)
        rank[alphabet] = np.arange(len(words))
        ranks = rank[keys.indices.to_numpy(zero_copy_only=False)[kept]]
        order = np.argsort(row[kept] * max(len(words), 1) + ranks)
        met = pa.array(ranks[order]).dictionary_encode()
        counts = np.bincount(row[kept], minlength=len(own))
        return SparseBlock(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            met.indices.to_numpy(zero_copy_only=False).astype(np.int64),
            words[alphabet][met.dictionary.to_numpy(zero_copy_only=False)],
            np.column_stack([long[name].to_numpy()[kept[order]] for name in measures]).reshape(-1, len(measures)),
            measures,
        )


def _sum(values: NumericValue) -> NumericValue:
    return values.sum().fill_null(0.0)


def _seen(days: Table) -> Table:
    return days.mutate(seen=(days["records"] > 0).cast("int64").cast("float64"))


def _before(daily: Table, spine: Table) -> Table:
    joined = daily.inner_join(
        spine,
        [
            daily[SUBSCRIBER_ID] == spine[SUBSCRIBER_ID],
            daily[LOCAL_DAY] < spine[AS_OF],
            daily[LOCAL_DAY] >= spine[AS_OF] - RESPONSE_HORIZON,
        ],
    )
    return joined.select(*(daily[name] for name in daily.columns), spine[AS_OF])
