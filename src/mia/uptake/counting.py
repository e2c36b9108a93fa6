"""Events counted by month and dimension, each connection once.

Both functions take any number of events in any order, also with repeated rows: the counts depend on the set of
events alone. They give *cells*: `month` (see `mia.timeline`), the columns of `DIMENSIONS`, `kind`, and `count`.
"""

import ibis

from mia import tables
from mia.domain.event import EventKind
from mia.timeline import EPOCH

DIMENSIONS = {
    "region": tables.REGION,
    "macro_region": tables.MACRO_REGION,
    "offer": tables.OFFER_ID,
    "channel": tables.CHANNEL,
    "arm": tables.ARM,
}
"""What figures can be grouped by, and the column of events that holds it."""

MONTH, COUNT = "month", "count"
CELL_KEYS = (MONTH, *DIMENSIONS.values(), tables.KIND)

SHOWN = (EventKind.IMPRESSION.value, EventKind.CLICK.value)
CONNECTED = (EventKind.CONNECTION.value, EventKind.DISCONNECTION.value)

COUNTED_SCHEMA = ibis.schema(
    {
        tables.EVENT_ID: "string",
        tables.OCCURRED_AT: "int64",
        tables.LOCAL_DAY: "int64",
        tables.SUBSCRIBER_ID: "string",
        tables.KIND: "string",
        **dict.fromkeys(DIMENSIONS.values(), "string"),
    }
)
"""The columns of events that figures are made from."""


def count_shown(events: ibis.Table) -> ibis.Table:
    """Cells of impressions and clicks. Cells of disjoint sets of events add up."""
    return _cells(_once(events, SHOWN))


def count_connected(events: ibis.Table) -> ibis.Table:
    """Cells of connections and disconnections that count; cells of parts of a line do not add up."""
    return _cells(find_connected(events))


def find_connected(events: ibis.Table) -> ibis.Table:
    """The connections and disconnections that count, as rows of `COUNTED_SCHEMA`.

    The connections and disconnections of one offer by one subscriber form a line, ordered by `occurred_at` and then
    by `event_id`. A connection counts when nothing or a disconnection stands before it: it begins a connection
    period. A disconnection counts when a connection stands before it: it ends one. So the whole line is needed.
    """
    line = ibis.window(group_by=[tables.SUBSCRIBER_ID, tables.OFFER_ID], order_by=[tables.OCCURRED_AT, tables.EVENT_ID])
    connected = _once(events, CONNECTED)
    before = connected.mutate(before=connected[tables.KIND].lag().over(line))
    # Nothing before a connection is as good as a disconnection; nothing before a disconnection ends no period.
    alternates = before["before"].fill_null(EventKind.DISCONNECTION.value) != before[tables.KIND]
    return before.filter(alternates).drop("before")


def _once(events: ibis.Table, kinds: tuple[str, ...]) -> ibis.Table:
    return events.filter(events[tables.KIND].isin(kinds)).select(*COUNTED_SCHEMA.names).distinct()


def _cells(events: ibis.Table) -> ibis.Table:
    date = ibis.literal(EPOCH) + events[tables.LOCAL_DAY].as_interval("D")
    dated = events.mutate(**{MONTH: (date.year().cast("int64") * 12 + date.month().cast("int64") - 1)})
    return dated.group_by(*CELL_KEYS).agg(**{COUNT: dated.count()})
