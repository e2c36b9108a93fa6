"""Contact policy and the contact history it looks at: what a subscriber was shown, declined and connected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mia.domain.event import EventKind, Response
from mia.domain.offer import Offer
from mia.frames import Floats, Ints, Objects
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
KINDS = tuple(EventKind)


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """How often one offer may be shown to one subscriber, and how long it rests after a decline."""

    impression_cap: int
    impression_window_days: int
    decline_cooldown_days: int


@dataclass(frozen=True, slots=True)
class ContactHistory:
    """What n subscribers did with m offers, all n x m but the last.

    `connected` now; `connections` ever; `impressions` within the policy's window; `days_since_decline` (inf when
    never); `total_connections` of all subscribers (m). `is_known` is False where nothing of it could be read.
    """

    connected: NDArray[np.bool_]
    connections: Floats
    impressions: Floats
    days_since_decline: Floats
    total_connections: Floats
    is_known: bool = True


def history_of(
    responses: Sequence[Response],
    totals: Mapping[str, int],
    offers: Sequence[Offer],
    policy: ContactPolicy,
    *,
    at: int,
) -> ContactHistory:
    """Contact history of one subscriber (n = 1) from its events in order of time; `at` in microseconds."""
    places = {offer.id: place for place, offer in enumerate(offers)}
    history = no_history(1, offers, totals)
    window = policy.impression_window_days * DAY
    for response in responses:
        place = places.get(response.offer_id)
        if place is None or response.occurred_at > at:
            continue
        match response.kind:
            case EventKind.IMPRESSION:
                history.impressions[0, place] += at - response.occurred_at < window
            case EventKind.CONNECTION:
                history.connections[0, place] += not history.connected[0, place]
                history.connected[0, place] = True
            case EventKind.DISCONNECTION:
                history.connected[0, place] = False
            case EventKind.DECLINE:
                history.days_since_decline[0, place] = (at - response.occurred_at) / DAY
            case EventKind.CLICK:
                pass
    return history


def events_that_count(events: pa.Table, policy: ContactPolicy, *, at: int) -> pa.Table:
    """The events of the ledger that a contact history up to `at` (microseconds) is made of: of the impressions, which
    are most of them, only those inside the window of the policy.
    """
    when, kind = events["occurred_at"], events["kind"]
    recent = pc.greater(when, at - policy.impression_window_days * DAY)
    others = pc.not_equal(kind, str(EventKind.IMPRESSION))
    return events.filter(pc.and_(pc.less_equal(when, at), pc.or_(recent, others)))


def histories_of(
    events: pa.Table,
    subscriber_ids: Objects,
    offers: Sequence[Offer],
    policy: ContactPolicy,
    *,
    at: int,
    totals: Mapping[str, int],
) -> ContactHistory:
    """Contact history of n subscribers at once, from their events in the ledger up to `at` (microseconds): row by row
    what `history_of` says of each. `totals` are the connections of each offer by anybody.
    """
    offer_ids = pa.array([offer.id for offer in offers], pa.string())
    past = events_that_count(events, policy, at=at)
    row = pc.fill_null(pc.index_in(past["subscriber_id"], pa.array(subscriber_ids, pa.string())), -1).to_numpy()
    place = pc.fill_null(pc.index_in(past["offer_id"], offer_ids), -1).to_numpy()
    kind = pc.fill_null(pc.index_in(past["kind"], pa.array(KINDS)), -1).to_numpy()
    when = past["occurred_at"].to_numpy()
    history = no_history(len(subscriber_ids), offers, totals)
    inside = (row >= 0) & (place >= 0)

    def of(*kinds: EventKind) -> Ints:
        return np.flatnonzero(inside & np.isin(kind, [KINDS.index(one) for one in kinds]))

    shown = of(EventKind.IMPRESSION)
    np.add.at(history.impressions, (row[shown], place[shown]), 1.0)
    declined = of(EventKind.DECLINE)
    np.minimum.at(history.days_since_decline, (row[declined], place[declined]), (at - when[declined]) / DAY)
    # Only what switches an offer on and off depends on the order of the events.
    turns = of(EventKind.CONNECTION, EventKind.DISCONNECTION)
    told = pa.table({"when": when[turns], "id": past["event_id"].take(pa.array(turns))})
    turns = turns[pc.sort_indices(told, [("when", "ascending"), ("id", "ascending")]).to_numpy()]
    is_on = kind[turns] == KINDS.index(EventKind.CONNECTION)
    _follow_connections(history, row[turns], place[turns], is_on)
    return history


def _follow_connections(history: ContactHistory, row: Ints, place: Ints, on: NDArray[np.bool_]) -> None:
    """Which offers are connected after connections (`on`) and disconnections in order of time, and how often each."""
    cell = row.astype(np.int64) * history.connected.shape[1] + place
    order = np.argsort(cell, kind="stable")
    cell, is_on = cell[order], on[order]
    first = np.diff(cell, prepend=-1) > 0
    began = is_on & (first | ~np.roll(is_on, 1))
    np.add.at(history.connections.reshape(-1), cell[began], 1.0)
    last = np.diff(cell, append=np.inf) > 0
    history.connected.reshape(-1)[cell[last]] = is_on[last]


def no_history(rows: int, offers: Sequence[Offer], totals: Mapping[str, int]) -> ContactHistory:
    """The history of n subscribers of whom nothing is known."""
    shape = (rows, len(offers))
    return ContactHistory(
        np.zeros(shape, bool),
        np.zeros(shape),
        np.zeros(shape),
        np.full(shape, np.inf),
        np.asarray([totals.get(offer.id, 0) for offer in offers], float),
    )
