"""Which connections and disconnections count, each once.

The rows may come in any number, in any order, also repeated: what counts depends on the set of events alone.
"""

import ibis

from mia import tables
from mia.domain.event import EventKind

CONNECTED = (EventKind.CONNECTION.value, EventKind.DISCONNECTION.value)

COUNTED_SCHEMA = ibis.schema(
    {
        tables.EVENT_ID: "string",
        tables.OCCURRED_AT: "int64",
        tables.LOCAL_DAY: "int64",
        tables.SUBSCRIBER_ID: "string",
        tables.KIND: "string",
        tables.OFFER_ID: "string",
        tables.CHANNEL: "string",
    }
)
"""The columns of events that are looked at."""


def find_connected(events: ibis.Table) -> ibis.Table:
    """The connections and disconnections that count, as rows of `COUNTED_SCHEMA`.

    The connections and disconnections of one offer by one subscriber form a line, ordered by `occurred_at` and then
    by `event_id`. A connection counts when nothing or a disconnection stands before it: it begins a connection
    period. A disconnection counts when a connection stands before it: it ends one. So the whole line is needed.
    """
    line = ibis.window(group_by=[tables.SUBSCRIBER_ID, tables.OFFER_ID], order_by=[tables.OCCURRED_AT, tables.EVENT_ID])
    connected = events.filter(events[tables.KIND].isin(CONNECTED)).select(*COUNTED_SCHEMA.names).distinct()
    before = connected.mutate(before=connected[tables.KIND].lag().over(line))
    # Nothing before a connection is as good as a disconnection; nothing before a disconnection ends no period.
    alternates = before["before"].fill_null(EventKind.DISCONNECTION.value) != before[tables.KIND]
    return before.filter(alternates).drop("before")
