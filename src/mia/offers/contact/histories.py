"""Contact histories of many subscribers at once, from columns of events."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mia.domain.event import EventKind
from mia.domain.policy import CapScope
from mia.frames import Ints, Objects
from mia.offers.contact.book import CHANNELS, DAY, ContactBook
from mia.offers.contact.history import ANSWERS, ContactHistory, no_history

KINDS = tuple(EventKind)


def events_that_count(events: pa.Table, book: ContactBook, *, at: int) -> pa.Table:
    """The events of the ledger that a contact history up to `at` (microseconds) is made of: of the impressions, which
    are most of them, only those that still count.
    """
    when, kind = events["occurred_at"], events["kind"]
    recent = pc.greater(when, at - book.look_back)
    others = pc.not_equal(kind, str(EventKind.IMPRESSION))
    return events.filter(pc.and_(pc.less_equal(when, at), pc.or_(recent, others)))


def histories_of(
    events: pa.Table, subscriber_ids: Objects, book: ContactBook, *, at: int, totals: Mapping[str, int]
) -> ContactHistory:
    """Contact history of n subscribers at once, from their events in the ledger up to `at` (microseconds): row by row
    what `history_of` says of each. `totals` are the connections of each offer by anybody.
    """
    past = events_that_count(events, book, at=at)
    row = _places(past["subscriber_id"], pa.array(subscriber_ids, pa.string()))
    place = _places(past["offer_id"], pa.array(list(book.places), pa.string()))
    channel = _places(past["channel"], pa.array(list(CHANNELS), pa.string()))
    kind = _places(past["kind"], pa.array(KINDS))
    age = at - past["occurred_at"].to_numpy()
    history = no_history(len(subscriber_ids), book, totals)
    inside = (row >= 0) & (place >= 0)

    def of(*kinds: EventKind) -> Ints:
        return np.flatnonzero(inside & np.isin(kind, [KINDS.index(one) for one in kinds]))

    def latest(into: NDArray[np.float64], which: Ints) -> None:
        np.minimum.at(into, (row[which], place[which]), age[which] / DAY)

    latest(history.days_since_decline, of(EventKind.DECLINE))
    latest(history.days_since_connection, of(EventKind.CONNECTION))
    impressions = np.flatnonzero((row >= 0) & (kind == KINDS.index(EventKind.IMPRESSION)))
    for cap, counts in zip(book.policy.caps, history.shown, strict=True):
        mine = impressions[age[impressions] < cap.within_days * DAY]
        group = _groups(cap.per, place[mine], channel[mine], book)
        known = group >= 0
        np.add.at(counts, (row[mine][known], group[known]), 1.0)
    if book.policy.unanswered is not None:
        answered = np.full(history.connected.shape, np.inf)
        latest(answered, of(*ANSWERS))
        shown = of(EventKind.IMPRESSION)
        shown = shown[age[shown] < book.policy.unanswered.within_days * DAY]
        open_ones = shown[age[shown] / DAY < answered[row[shown], place[shown]]]
        np.add.at(history.unanswered, (row[open_ones], place[open_ones]), 1.0)
        latest(history.days_since_unanswered, open_ones)
    # Only what switches an offer on and off depends on the order of the events.
    turns = of(EventKind.CONNECTION, EventKind.DISCONNECTION)
    told = pa.table({"age": age[turns], "id": past["event_id"].take(pa.array(turns))})
    turns = turns[pc.sort_indices(told, [("age", "descending"), ("id", "ascending")]).to_numpy()]
    is_on = kind[turns] == KINDS.index(EventKind.CONNECTION)
    _follow_connections(history, row[turns], place[turns], is_on)
    return history


def _groups(per: CapScope, place: Ints, channel: Ints, book: ContactBook) -> Ints:
    """Group of each impression under a cap, -1 where it counts in none."""
    match per:
        case CapScope.OFFER:
            return place
        case CapScope.CATEGORY:
            # The last one is for offers that are not in the catalogue.
            return np.append(book.categories, -1)[place]
        case CapScope.CHANNEL:
            return channel
        case CapScope.ALL:
            return np.zeros(len(place), np.int64)


def _places(values: pa.ChunkedArray, known: pa.Array) -> Ints:
    return np.asarray(pc.fill_null(pc.index_in(values, known), -1).to_numpy(), np.int64)


def _follow_connections(history: ContactHistory, row: Ints, place: Ints, on: NDArray[np.bool_]) -> None:
    """Which offers are connected after connections (`on`) and disconnections in order of time, and how often each."""
    cell = row * history.connected.shape[1] + place
    order = np.argsort(cell, kind="stable")
    cell, is_on = cell[order], on[order]
    first = np.diff(cell, prepend=-1) > 0
    began = is_on & (first | ~np.roll(is_on, 1))
    np.add.at(history.connections.reshape(-1), cell[began], 1.0)
    last = np.diff(cell, append=np.inf) > 0
    history.connected.reshape(-1)[cell[last]] = is_on[last]
