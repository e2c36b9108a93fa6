"""Facts: counts by month and every dimension at once, for tools that add up for themselves."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from mia.tables import LOCAL_DAY, OFFER_ID
from mia.uptake.dimensions import CATEGORY, CODED, Names
from mia.uptake.growth import SHOWN_MEASURES, UNKNOWN
from mia.uptake.periods import MONTH

MONTH_START = "month_start"
FACT_SCHEMA = pa.schema(
    [
        pa.field(MONTH.name, pa.string(), nullable=False),
        pa.field(MONTH_START, pa.date32(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in CODED),
        pa.field(CATEGORY, pa.string(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in SHOWN_MEASURES),
    ]
)
"""One row a month and values of all dimensions in which something counts; `(unknown)` where events carry none."""


def build_facts(sums: pa.Table, names: Names, categories: Mapping[str, str]) -> pa.Table:
    """Facts from sums of cells (`local_day`, a code of each column of `CODED`, and the measures), in order.

    >>> codes = {name: [1] for name in CODED}
    >>> ones = {name: [1] for name in SHOWN_MEASURES}
    >>> sums = pa.table({"local_day": [18_640], **codes, **ones})
    >>> facts = build_facts(sums, {name: ["music"] for name in CODED}, {"music": "fun"}).to_pylist()
    >>> facts[0]["month"], str(facts[0]["month_start"]), facts[0]["offer_id"], facts[0]["category"]
    ('2021-01', '2021-01-01', 'music', 'fun')
    """
    days = sums[LOCAL_DAY].cast(pa.int32()).cast(pa.date32())
    start = pc.floor_temporal(days, unit="month")
    columns = {MONTH.name: pc.strftime(start, "%Y-%m"), MONTH_START: start}
    for name in CODED:
        columns[name] = pa.array([UNKNOWN, *names.get(name, ())], pa.string()).take(sums[name].combine_chunks())
    offers, found = pa.array(list(categories), pa.string()), pa.array(list(categories.values()), pa.string())
    columns[CATEGORY] = pc.fill_null(found.take(pc.index_in(columns[OFFER_ID], offers)), UNKNOWN)
    keys = list(columns)
    table = pa.table(columns | {name: sums[name] for name in SHOWN_MEASURES})
    added = table.group_by(keys).aggregate([(name, "sum") for name in SHOWN_MEASURES])
    added = added.rename_columns([*keys, *SHOWN_MEASURES]).select(FACT_SCHEMA.names).cast(FACT_SCHEMA)
    counted = [pc.not_equal(added[name], 0) for name in SHOWN_MEASURES]
    some = pc.or_(pc.or_(counted[0], counted[1]), pc.or_(counted[2], counted[3]))
    return added.filter(some).sort_by([(name, "ascending") for name in keys])
