"""Events in the ledger: appended one by one or loaded in columns, each id once."""

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, func, select

from mia import tables
from mia.domain.event import Event, EventKind, Outcome, Response
from mia.errors import InvalidInput
from mia.storage.ledger.budgets import Budgets
from mia.storage.ledger.content import digest_of, digests_of
from mia.storage.ledger.dialect import CHUNK_ROWS, Dialect
from mia.storage.ledger.raw import AMONG, Raw
from mia.storage.ledger.schema import EVENTS

EVENT_SCHEMA = pa.schema(
    [
        pa.field(tables.EVENT_ID, pa.string(), nullable=False),
        pa.field(tables.OCCURRED_AT, pa.int64(), nullable=False),
        pa.field(tables.SUBSCRIBER_ID, pa.string(), nullable=False),
        pa.field(tables.OFFER_ID, pa.string(), nullable=False),
        pa.field(tables.KIND, pa.string(), nullable=False),
        pa.field(tables.CHANNEL, pa.string(), nullable=False),
        pa.field(tables.LOCAL_DAY, pa.int64(), nullable=False),
        pa.field(tables.ARM, pa.string(), nullable=False),
        pa.field(tables.REGION, pa.string()),
        pa.field(tables.MACRO_REGION, pa.string()),
        pa.field(tables.DECISION_ID, pa.string()),
        pa.field(tables.POSITION, pa.int64()),
        pa.field(tables.PROPENSITY, pa.float64()),
    ]
)
LEDGER_SCHEMA = pa.schema([pa.field("seq", pa.int64(), nullable=False), *EVENT_SCHEMA])
ARRIVED_SCHEMA = LEDGER_SCHEMA.append(pa.field("recorded_at", pa.int64(), nullable=False))

_WRITTEN = (*EVENT_SCHEMA.names, "recorded_at", "digest")
_SUBSCRIBER, _OFFER, _KIND = map(_WRITTEN.index, (tables.SUBSCRIBER_ID, tables.OFFER_ID, tables.KIND))
_CONNECTION = EventKind.CONNECTION.value
_KNOWN = f"SELECT event_id, digest FROM events WHERE event_id {AMONG}"  # noqa: S608 - no value in it
_NO_NUL = "must not hold the NUL character"

Row = tuple[Any, ...]


def encode(event: Event) -> tuple[Row, int]:
    """An event as a row of the table, and its digest; raises InvalidInput."""
    return _row(event), digest_of(event)


def append(
    connection: Connection,
    dialect: Dialect,
    batches: Sequence[Sequence[tuple[Row, int]]],
    budgets: Budgets,
    recorded_at: int,
) -> list[list[Outcome]]:
    """Append several batches of encoded events in order; outcomes in the shape of the batches."""
    known = dict(_digests(connection, {row[0] for batch in batches for row, _ in batch}))
    fresh: list[Row] = []
    outcomes: list[list[Outcome]] = []
    for batch in batches:
        answers: list[Outcome] = []
        for row, digest in batch:
            seen = known.get(row[0])
            if seen is not None:
                answers.append(Outcome.DUPLICATE if seen == digest else Outcome.CONFLICT)
            elif row[_KIND] == _CONNECTION and not budgets.connect(row[_OFFER], row[_SUBSCRIBER]):
                answers.append(Outcome.OVER_BUDGET)
            else:
                known[row[0]] = digest
                fresh.append((*row, recorded_at, digest))
                answers.append(Outcome.ACCEPTED)
        outcomes.append(answers)
    if fresh:
        dialect.insert(connection, EVENTS, _WRITTEN, fresh)
    return outcomes


def load_table(
    connection: Connection, dialect: Dialect, events: pa.Table, budgets: Budgets, recorded_at: int
) -> tuple[int, int, list[str]]:
    """Load n events in columns; the numbers accepted and duplicate, and the id of each row in conflict."""
    if events.num_rows == 0:
        return 0, 0, []
    digests = digests_of(events).to_numpy()
    encoded = events[tables.EVENT_ID].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    reference, known = digests[first], np.zeros(len(first), bool)
    if position(connection) > 0:
        found = _digests(connection, encoded.dictionary.to_pylist())
        places = pc.index_in(pa.array([row[0] for row in found], pa.string()), encoded.dictionary).to_numpy()
        known[places] = True
        reference[places] = [row[1] for row in found]
    fresh = np.sort(first[~known])
    if len(fresh):
        content = events if len(fresh) == events.num_rows else events.take(pa.array(fresh))
        dialect.load(
            connection,
            EVENTS,
            content.append_column(
                "recorded_at", pa.repeat(pa.scalar(recorded_at, pa.int64()), len(fresh))
            ).append_column("digest", pa.array(digests[fresh], pa.int64())),
        )
        connected = content.filter(pc.equal(content[tables.KIND], _CONNECTION))[tables.OFFER_ID]
        for counted in pc.value_counts(connected).to_pylist():
            budgets.count(counted["values"], counted["counts"])
    conflicts = np.flatnonzero(digests != reference[codes])
    ids = events[tables.EVENT_ID].take(pa.array(conflicts)).to_pylist()
    return len(fresh), events.num_rows - len(fresh) - len(ids), ids


def require_events(events: pa.Table) -> pa.Table:
    """The columns of `EVENT_SCHEMA` in its types; optional ones that are missing are null.

    Raises InvalidInput that names the column, and the row where there is one.
    """
    columns = []
    for field in EVENT_SCHEMA:
        if field.name not in events.column_names:
            if not field.nullable:
                raise InvalidInput("the column is missing", column=field.name)
            columns.append(pa.nulls(events.num_rows, field.type))
            continue
        given = events[field.name]
        if pa.types.is_integer(field.type) and not (pa.types.is_integer(given.type) or pa.types.is_null(given.type)):
            raise InvalidInput(f"must hold integers, not {given.type}", column=field.name)
        try:
            column = given.cast(field.type)
        except pa.ArrowInvalid as error:
            raise InvalidInput(str(error), column=field.name) from error
        if not field.nullable:
            _refuse(column.is_null(), "must not be null", field.name)
        if pa.types.is_string(field.type):
            _refuse(pc.match_substring(column, "\0"), _NO_NUL, field.name)
        columns.append(column)
    content = pa.table(columns, schema=EVENT_SCHEMA)
    kinds = pa.array([kind.value for kind in EventKind])
    _refuse(pc.invert(pc.is_in(content[tables.KIND], kinds)), f"must be one of {', '.join(EventKind)}", tables.KIND)
    return content


def responses(connection: Connection, subscriber_id: str, upto: int | None) -> list[Response]:
    """Events of one subscriber up to a position, by time and then by id."""
    statement = (
        select(EVENTS.c.offer_id, EVENTS.c.kind, EVENTS.c.occurred_at, EVENTS.c.channel)
        .where(EVENTS.c.subscriber_id == subscriber_id)
        .order_by(EVENTS.c.occurred_at, EVENTS.c.event_id)
    )
    if upto is not None:
        statement = statement.where(EVENTS.c.seq <= upto)
    rows = connection.execute(statement)
    return [Response(row.offer_id, EventKind(row.kind), row.occurred_at, row.channel) for row in rows]


def connections_by_offer(connection: Connection, upto: int | None, after: int) -> dict[str, int]:
    """Connection events of each offer after one position and up to another."""
    statement = (
        select(EVENTS.c.offer_id, func.count())
        .where(EVENTS.c.kind == EventKind.CONNECTION.value, EVENTS.c.seq > after)
        .group_by(EVENTS.c.offer_id)
    )
    if upto is not None:
        statement = statement.where(EVENTS.c.seq <= upto)
    return {row[0]: row[1] for row in connection.execute(statement)}


def position(connection: Connection) -> int:
    """Position of the newest event; 0 without any."""
    newest: int | None = connection.execute(select(func.max(EVENTS.c.seq))).scalar()
    return newest or 0


def _digests(connection: Connection, event_ids: Collection[str]) -> list[tuple[str, int]]:
    """Id and digest of those events that are there already."""
    raw, wanted, found = Raw(connection), iter(event_ids), []
    while chunk := list(islice(wanted, CHUNK_ROWS)):
        found += [(row[0], row[1]) for row in raw.rows(_KNOWN, (raw.listed(chunk),))]
    return found


def _row(event: Event) -> Row:
    optional = (event.region or "", event.macro_region or "", event.decision_id or "")
    if "\0" in "".join((event.event_id, event.subscriber_id, event.offer_id, event.channel, event.arm, *optional)):
        raise InvalidInput(f"event {event.event_id!r} {_NO_NUL}")
    return (
        event.event_id,
        int(event.occurred_at),
        event.subscriber_id,
        event.offer_id,
        event.kind.value,
        str(event.channel),
        int(event.local_day),
        event.arm,
        event.region,
        event.macro_region,
        event.decision_id,
        None if event.position is None else int(event.position),
        None if event.propensity is None else float(event.propensity),
    )


def _refuse(broken: pa.ChunkedArray, rule: str, column: str) -> None:
    rows = np.flatnonzero(broken.fill_null(False).to_numpy())
    if len(rows):
        raise InvalidInput(rule, row=int(rows[0]) + 1, column=column)
