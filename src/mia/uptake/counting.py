"""Which connections and disconnections count, each once.

The rows may come in any number, in any order, also repeated: what counts depends on the set of events alone.
"""

from mia import tables
from mia.domain.event import EventKind

CONNECTED = (EventKind.CONNECTION.value, EventKind.DISCONNECTION.value)

COUNTED_COLUMNS = (
    tables.EVENT_ID,
    tables.OCCURRED_AT,
    tables.LOCAL_DAY,
    tables.SUBSCRIBER_ID,
    tables.KIND,
    tables.OFFER_ID,
    tables.CHANNEL,
)
"""The columns of events that are looked at."""


def select_connected(events: str) -> str:
    """SQL of DuckDB for the connections and disconnections of the table `events` that count: rows of `COUNTED_COLUMNS`.

    The connections and disconnections of one offer by one subscriber form a line, ordered by `occurred_at` and then
    by `event_id`. A connection counts when nothing or a disconnection stands before it: it begins a connection
    period. A disconnection counts when a connection stands before it: it ends one. So the whole line is needed.
    """
    columns, kinds = ", ".join(COUNTED_COLUMNS), ", ".join(f"'{kind}'" for kind in CONNECTED)
    line = f"PARTITION BY {tables.SUBSCRIBER_ID}, {tables.OFFER_ID} ORDER BY {tables.OCCURRED_AT}, {tables.EVENT_ID}"
    # Nothing before a connection is as good as a disconnection; nothing before a disconnection ends no period.
    before = f"coalesce(lag({tables.KIND}) OVER ({line}), '{EventKind.DISCONNECTION.value}')"
    once = f"SELECT DISTINCT {columns} FROM {events} WHERE {tables.KIND} IN ({kinds})"
    return f"SELECT {columns} FROM ({once}) QUALIFY {before} <> {tables.KIND}"
