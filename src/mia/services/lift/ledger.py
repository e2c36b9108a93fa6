"""What lift needs of the ledger: connections counted once, and when each subscriber was in touch in which arm."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Lock

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mia.domain.event import EventKind
from mia.ports import Ledger
from mia.tables import ARM, CHANNEL, DECISION_ID, KIND, LOCAL_DAY, OFFER_ID, SUBSCRIBER_ID
from mia.uptake.counting import CONNECTED, COUNTED_COLUMNS, select_connected

FIRST, LAST, SHOWN_FIRST, SHOWN_LAST = SPANS = ("first_day", "last_day", "shown_first", "shown_last")
_EVENTS = "events"
_FIND = (
    f"SELECT {SUBSCRIBER_ID}, {OFFER_ID}, {CHANNEL}, {LOCAL_DAY} FROM ({select_connected(_EVENTS)}) "
    f"WHERE {KIND} = '{EventKind.CONNECTION.value}'"
)
_FOLDS = {FIRST: "min", LAST: "max", SHOWN_FIRST: "min", SHOWN_LAST: "max"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of the ledger up to `position`.

    `connections` holds subscriber, offer, channel and local day of every connection that counts. `contacts` has a row a
    subscriber and arm of its events: first and last local day of any event, and of impressions (null without).
    `began` is the first local day of an event that follows a decision. `lines` are the connections and disconnections
    that the next ones are judged with.
    """

    position: int
    first_day: int
    last_day: int
    began: int | None
    connections: pa.Table
    contacts: pa.Table
    lines: pa.Table


class LedgerReader:
    """Reads from the ledger what is new since the last call. Safe to share between threads."""

    def __init__(self, ledger: Ledger, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._ledger, self._connect = ledger, connect
        self._lock = Lock()
        self._seen: Seen | None = None

    def read(self) -> Seen | None:
        """All that is known by now; None for an empty ledger."""
        with self._lock:
            position = 0 if self._seen is None else self._seen.position
            if self._ledger.position() > position:
                self._seen = self._added(self._seen, self._ledger.events(position))
            return self._seen

    def _added(self, seen: Seen | None, fresh: pa.Table) -> Seen:
        days = pc.min_max(fresh[LOCAL_DAY]).as_py()
        decided = pc.min(fresh.filter(pc.is_valid(fresh[DECISION_ID]))[LOCAL_DAY]).as_py()
        lines = fresh.filter(pc.is_in(fresh[KIND], pa.array(CONNECTED))).select(list(COUNTED_COLUMNS))
        contacts = _contacts(fresh)
        if seen is not None:
            lines = pa.concat_tables([seen.lines, lines]).combine_chunks()
            contacts = _folded(pa.concat_tables([seen.contacts, contacts]))
            decided = min((day for day in (seen.began, decided) if day is not None), default=None)
        with closing(self._connect()) as engine:
            connections = engine.register(_EVENTS, lines).sql(_FIND).to_arrow_table()
        return Seen(
            pc.max(fresh["seq"]).as_py(),
            days["min"] if seen is None else min(days["min"], seen.first_day),
            days["max"] if seen is None else max(days["max"], seen.last_day),
            decided,
            connections,
            contacts,
            lines,
        )


def _contacts(events: pa.Table) -> pa.Table:
    day = events[LOCAL_DAY]
    shown = pc.if_else(pc.equal(events[KIND], EventKind.IMPRESSION.value), day, pa.scalar(None, day.type))
    rows = {SUBSCRIBER_ID: events[SUBSCRIBER_ID], ARM: events[ARM]}
    return _folded(pa.table(rows | {FIRST: day, LAST: day, SHOWN_FIRST: shown, SHOWN_LAST: shown}))


def _folded(contacts: pa.Table) -> pa.Table:
    folded = contacts.group_by([SUBSCRIBER_ID, ARM]).aggregate(list(_FOLDS.items()))
    names = {f"{name}_{how}": name for name, how in _FOLDS.items()}
    return folded.rename_columns(names).select([SUBSCRIBER_ID, ARM, *SPANS])
