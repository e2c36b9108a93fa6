"""The sparse halves of a profile: which categories and items a subscriber uses, and how it answered which offers."""

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from ibis.expr.types import Table

from mia.frames import Ints, Objects, SparseBlock
from mia.profiles.measures import GRAINS, whole
from mia.tables import AS_OF, CATEGORY, KIND, LOCAL_DAY, OFFER_ID, SUBSCRIBER_ID

USAGE_HORIZON = 365
RESPONSE_HORIZON = 365
USAGE_MEASURES = ("records_30d", "records_90d", "records_365d", "days_365d", "charge_365d", "fresh")
RESPONSE_MEASURES = ("impressions", "connections", "declines", "fresh_connections")
FRESHNESS_DAYS = 60.0
FRESHNESS_STEPS = float(2**40)


def build_usage_keys(daily_keys: Table, spine: Table) -> Table:
    """Key measures of every (subscriber_id, as_of) of `spine` over the days before as_of, in long form.

    `fresh` sums records with weight exp(-age in days / 60).
    """
    joined = _before(daily_keys, spine, USAGE_HORIZON)
    age = (joined[AS_OF] - joined[LOCAL_DAY]).cast("float64")
    return joined.group_by([SUBSCRIBER_ID, AS_OF, "key"]).aggregate(
        records_30d=joined.records.sum(where=age <= 30).fill_null(0.0),
        records_90d=joined.records.sum(where=age <= 90).fill_null(0.0),
        records_365d=joined.records.sum().fill_null(0.0),
        days_365d=joined[LOCAL_DAY].nunique().cast("float64"),
        charge_365d=joined.charge.sum().fill_null(0.0) / GRAINS,
        fresh=(joined.records * _freshness(age)).sum().fill_null(0.0),
    )


def build_response_keys(events: Table, categories: Table, spine: Table) -> Table:
    """How a subscriber answered each offer and each category of offers before as_of, in long form.

    `categories` has offer_id and category; `fresh_connections` weighs a connection with exp(-age in days / 60). Keys
    read `offer:id` and `offer_category:name`.
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
    joined = _before(keyed, spine, RESPONSE_HORIZON)

    def count(kind: str) -> ibis.Value:
        return (joined[KIND] == kind).cast("int64").sum().cast("float64")

    age = (joined[AS_OF] - joined[LOCAL_DAY]).cast("float64")
    return joined.group_by([SUBSCRIBER_ID, AS_OF, "key"]).aggregate(
        impressions=count("impression"),
        connections=count("connection"),
        declines=count("decline"),
        fresh_connections=_freshness(age).sum(where=joined[KIND] == "connection").fill_null(0.0),
    )


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Row numbers of (subscriber_id, as_of) pairs."""

    subscriber_ids: Objects
    as_of: Ints

    def block(self, long: pa.Table, measures: tuple[str, ...]) -> SparseBlock:
        """A long table with subscriber_id, as_of, key and measures as a sparse block in the order of the rows."""
        rows = pa.table(
            {
                SUBSCRIBER_ID: pa.array(self.subscriber_ids, pa.string()),
                AS_OF: self.as_of,
                "row": np.arange(len(self.as_of)),
            }
        )
        placed = long.join(rows, [SUBSCRIBER_ID, AS_OF], join_type="inner").sort_by(
            [("row", "ascending"), ("key", "ascending")]
        )
        keys = placed["key"].combine_chunks().dictionary_encode()
        counts = np.bincount(placed["row"].to_numpy(), minlength=len(self.as_of))
        values = [placed[name].to_numpy() for name in measures]
        return SparseBlock(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            keys.indices.to_numpy(zero_copy_only=False).astype(np.int64),
            np.asarray(keys.dictionary.to_pylist(), object),
            np.column_stack(values) if len(placed) else np.zeros((0, len(measures))),
            measures,
        )


def _freshness(age: ibis.Value) -> ibis.Value:
    # Whole steps, so that sums come to the same bits in any order.
    return whole((-age / FRESHNESS_DAYS).exp() * FRESHNESS_STEPS) / FRESHNESS_STEPS


def _before(daily: Table, spine: Table, horizon: int) -> Table:
    joined = daily.inner_join(
        spine,
        [
            daily[SUBSCRIBER_ID] == spine[SUBSCRIBER_ID],
            daily[LOCAL_DAY] < spine[AS_OF],
            daily[LOCAL_DAY] >= spine[AS_OF] - horizon,
        ],
    )
    return joined.select(*(daily[name] for name in daily.columns), spine[AS_OF])
