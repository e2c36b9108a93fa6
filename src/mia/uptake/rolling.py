"""New events folded into what was counted before: what every cell gains or loses, exactly, however late they come.

A *cell* holds the sums of `MEASURES` of one local day and one value of each coded column. Sums of cells add up, so a
roll-up is kept by adding. Impressions and clicks only add; of connections and disconnections the whole *line* (those
of one offer by one subscriber, by `occurred_at` and then by `event_id`) is needed to tell which of them count, and an
impression is accepted by a connection that may come before or after it reaches us. So impressions and connections are
kept beside the cells, under a hash of the subscriber, and the lines that new events touch are counted again.
"""

from collections.abc import Callable

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.domain.event import EventKind
from mia.uptake.dimensions import CODED, Names, encode

MEASURES = ("impressions", "clicks", "connections", "disconnections", "accepted")
COUNTED_KINDS = (EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONNECTION, EventKind.DISCONNECTION)

BATCH = pa.schema(
    [
        pa.field(tables.EVENT_ID, pa.string()),
        pa.field(tables.SUBSCRIBER_ID, pa.string()),
        pa.field(tables.OCCURRED_AT, pa.int64()),
        pa.field(tables.LOCAL_DAY, pa.int64()),
        pa.field(tables.KIND, pa.string()),
        *(pa.field(name, pa.string()) for name in CODED),
    ]
)
"""Columns of events that are rolled up; an event id comes once in all batches together."""

_CODES = ", ".join(CODED)
_EVENT = f"subscriber, occurred_at, local_day, {_CODES}"
SHOWN = f"SELECT {_EVENT} FROM fresh WHERE kind = 'impression'"
"""Impressions of the batch as they are kept."""
CONNECTED = (
    f"SELECT {_EVENT}, event_id, kind = 'connection' AS connects FROM fresh "
    "WHERE kind IN ('connection', 'disconnection')"
)
"""Connections and disconnections of the batch as they are kept."""
CELLS = f"SELECT local_day, {_CODES}, {', '.join(MEASURES)} FROM delta"
"""What the cells gain."""

_TYPES = ", ".join(f"0::INTEGER AS {name}" for name in CODED)
NO_SHOWN = f"SELECT 0::UBIGINT AS subscriber, 0::BIGINT AS occurred_at, 0::INTEGER AS local_day, {_TYPES} WHERE false"
NO_CONNECTED = f"SELECT *, '' AS event_id, false AS connects FROM ({NO_SHOWN})"

# A connection counts when nothing or a disconnection stands right before it, a disconnection when a connection does.
_COUNTED = """
    QUALIFY coalesce(lag(connects) OVER (PARTITION BY subscriber, offer_id ORDER BY occurred_at, event_id), false)
        <> connects
"""
_BEGUN = "SELECT subscriber, offer_id, occurred_at FROM {table} WHERE connects"

_COUNT = f"""
    CREATE TEMP TABLE fresh AS
    SELECT md5_number_lower(subscriber_id) AS subscriber, * EXCLUDE (subscriber_id, local_day),
        local_day::INTEGER AS local_day FROM batch;
    CREATE TEMP TABLE held AS
    SELECT * FROM ({{connected}})
    SEMI JOIN (SELECT DISTINCT subscriber, offer_id FROM fresh WHERE kind <> 'click') USING (subscriber, offer_id);
    CREATE TEMP TABLE counted_before AS SELECT * FROM held {_COUNTED};
    CREATE TEMP TABLE counted AS SELECT * FROM (FROM held UNION ALL BY NAME ({CONNECTED})) {_COUNTED};
    CREATE TEMP TABLE moved AS
    (({_BEGUN.format(table="counted_before")} EXCEPT ALL {_BEGUN.format(table="counted")})
    UNION ALL ({_BEGUN.format(table="counted")} EXCEPT ALL {_BEGUN.format(table="counted_before")}))
    UNION
    SELECT i.subscriber, i.offer_id, c.occurred_at FROM ({SHOWN}) AS i
    ASOF JOIN ({_BEGUN.format(table="counted")}) AS c
        ON i.subscriber = c.subscriber AND i.offer_id = c.offer_id AND i.occurred_at <= c.occurred_at
    WHERE c.occurred_at - i.occurred_at <= {{window}}
"""

# Whatever shares an impression with a connection that moved lies within one window of it, so figures further away
# cannot change; the same connections are looked at before and after, and those that did not move cancel out.
_LOOKED_AT = """
    SELECT subscriber, offer_id, occurred_at FROM {table} SEMI JOIN moved USING (subscriber, offer_id)
    WHERE connects AND occurred_at BETWEEN {low} - {window} AND {high} + {window}
"""
# An impression is accepted when it is the latest of its line at or before a connection that counts, within the window;
# several of one instant are so together, because nothing tells which of them was the last.
_ACCEPTED = """
    SELECT i.* FROM {shown} AS i SEMI JOIN (
        SELECT c.subscriber, c.offer_id, s.occurred_at FROM ({looked_at}) AS c ASOF JOIN {shown} AS s
            ON c.subscriber = s.subscriber AND c.offer_id = s.offer_id AND c.occurred_at >= s.occurred_at
        WHERE c.occurred_at - s.occurred_at <= {window}
    ) USING (subscriber, offer_id, occurred_at)
"""
_NEAR = f"""
    CREATE TEMP TABLE shown_before AS
    SELECT {_EVENT} FROM ({{shown}}) SEMI JOIN moved USING (subscriber, offer_id)
    WHERE occurred_at BETWEEN {{low}} - 2 * {{window}} AND {{high}} + {{window}};
    CREATE TEMP TABLE shown AS
    FROM shown_before UNION ALL BY NAME (SELECT * FROM ({SHOWN}) SEMI JOIN moved USING (subscriber, offer_id))
"""


def _gains(source: str, measure: str, sign: str = "") -> str:
    sums = ", ".join(f"{sign}1 AS {name}" if name == measure else f"0 AS {name}" for name in MEASURES)
    return f"SELECT local_day, {_CODES}, {sums} FROM {source}"


_ADDED = (
    _gains("fresh WHERE kind = 'impression'", "impressions"),
    _gains("fresh WHERE kind = 'click'", "clicks"),
    _gains("counted WHERE connects", "connections"),
    _gains("counted WHERE NOT connects", "disconnections"),
    _gains("counted_before WHERE connects", "connections", "-"),
    _gains("counted_before WHERE NOT connects", "disconnections", "-"),
    _gains("accepted", "accepted"),
    _gains("accepted_before", "accepted", "-"),
)
_DELTA = f"""
    CREATE TEMP TABLE delta AS
    SELECT local_day, {_CODES}, {", ".join(f"sum({name})::BIGINT AS {name}" for name in MEASURES)}
    FROM ({" UNION ALL ".join(_ADDED)}) GROUP BY ALL
    HAVING {" OR ".join(f"sum({name}) <> 0" for name in MEASURES)}
    ORDER BY ALL
"""


def fold(
    engine: duckdb.DuckDBPyConnection,
    events: pa.Table,
    names: Names,
    *,
    connected: str,
    shown_between: Callable[[int, int], str],
    window: int,
) -> None:
    """Leave the tables behind in the engine that `SHOWN`, `CONNECTED` and `CELLS` read.

    `events` are n events as `BATCH` whose every value is in `names`; `connected` and `shown_between` are queries of
    what `CONNECTED` and `SHOWN` left of all batches before (`NO_CONNECTED`, `NO_SHOWN` at first), the latter of those
    impressions at least that occurred between two times; `window` is how long after an impression a connection may
    come, in microseconds.
    """
    counting = events.filter(pc.is_in(events[tables.KIND], pa.array([kind.value for kind in COUNTED_KINDS])))
    columns = {field.name: counting[field.name] for field in BATCH}
    columns |= {name: encode(counting[name], names[name]) for name in CODED}
    engine.register("batch", pa.table(columns))
    engine.execute(_COUNT.format(connected=connected, window=int(window)))
    engine.unregister("batch")
    found = engine.execute("SELECT min(occurred_at), max(occurred_at) FROM moved").fetchone()
    low, high = found if found is not None and found[0] is not None else (0, -1)
    kept = shown_between(low - 2 * window, high + window) if low <= high else NO_SHOWN
    engine.execute(_NEAR.format(shown=kept, low=low, high=high, window=int(window)))
    for name, shown, counted in (
        ("accepted_before", "shown_before", "counted_before"),
        ("accepted", "shown", "counted"),
    ):
        looked_at = _LOOKED_AT.format(table=counted, low=low, high=high, window=int(window))
        engine.execute(
            f"CREATE TEMP TABLE {name} AS {_ACCEPTED.format(shown=shown, looked_at=looked_at, window=int(window))}"
        )
    engine.execute(_DELTA)
