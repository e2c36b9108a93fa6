"""One person in the ledger: everything that is held, and how it is forgotten without changing a single count."""

from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection, select

from mia.domain.event import Event, EventKind
from mia.storage.ledger.budgets import release_all
from mia.storage.ledger.content import digest_of
from mia.storage.ledger.events import EVENT_SCHEMA, LEDGER_SCHEMA
from mia.storage.ledger.raw import Raw
from mia.storage.ledger.schema import EVENTS

_EVENTS = f"SELECT seq, {', '.join(EVENT_SCHEMA.names)} FROM events WHERE subscriber_id = ?"  # noqa: S608
_RENAME = "UPDATE events SET subscriber_id = ?, digest = ? WHERE seq = ?"
_FORGET = "DELETE FROM decisions WHERE subscriber_id = ?"


def events_of(connection: Connection, subscriber_id: str) -> pa.Table:
    """Events of one subscriber by time and then by id: `seq` and the fields of `Event`."""
    columns = [EVENTS.c[name] for name in LEDGER_SCHEMA.names]
    query = select(*columns).where(EVENTS.c.subscriber_id == subscriber_id)
    rows = connection.execute(query.order_by(EVENTS.c.occurred_at, EVENTS.c.event_id))
    return pa.Table.from_pylist([row._asdict() for row in rows], LEDGER_SCHEMA)


def erase_person(raw: Raw, subscriber_id: str, alias: str) -> tuple[int, int]:
    """Rename the subscriber of its events and remove its decisions; the numbers of both.

    The digest of an event tells whom it is of to who guesses, so it is made anew: the event sent again is in conflict
    with what is there, and still no second one.
    """
    renamed = []
    for seq, *fields in raw.rows(_EVENTS, (subscriber_id,)):
        event = Event(**dict(zip(EVENT_SCHEMA.names, fields, strict=True)))
        said = replace(event, subscriber_id=alias, kind=EventKind(event.kind))
        renamed.append((alias, digest_of(said), seq))
    if renamed:
        raw.many(_RENAME, renamed)
    release_all(raw, subscriber_id)
    return len(renamed), raw.run(_FORGET, (subscriber_id,))
