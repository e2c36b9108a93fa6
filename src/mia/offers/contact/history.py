"""The contact history that the rules look at, and the one of a single subscriber."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from mia.domain.event import EventKind, Response
from mia.frames import Floats, Ints
from mia.offers.contact.book import DAY, ContactBook

ANSWERS = frozenset({EventKind.CLICK, EventKind.CONNECTION, EventKind.DECLINE})


@dataclass(frozen=True, slots=True)
class ContactHistory:
    """What n subscribers did with m offers, n x m but for the last two.

    `connected` now; `connections` ever; `days_since_decline` and `days_since_connection` (inf when never); `unanswered`
    impressions within the window of that cooldown that came after the last answer, and `days_since_unanswered` of the
    latest of them; `total_connections` of all subscribers (m, or n x m where each was told its own); `shown` holds, for
    each cap of the policy, the impressions within its window by its groups (n x groups). `is_known` is False where
    nothing of it could be read.
    """

    connected: NDArray[np.bool_]
    connections: Floats
    days_since_decline: Floats
    days_since_connection: Floats
    unanswered: Floats
    days_since_unanswered: Floats
    total_connections: Floats
    shown: tuple[Floats, ...]
    is_known: bool = True

    def row(self, place: int) -> "ContactHistory":
        """The history of one of the subscribers (n = 1), in the same memory."""
        mine, total = slice(place, place + 1), self.total_connections
        return ContactHistory(
            self.connected[mine],
            self.connections[mine],
            self.days_since_decline[mine],
            self.days_since_connection[mine],
            self.unanswered[mine],
            self.days_since_unanswered[mine],
            total if total.ndim == 1 else total[place],
            tuple(counts[mine] for counts in self.shown),
            self.is_known,
        )

    def take(self, rows: Ints) -> "ContactHistory":
        """The histories of some of the subscribers, in their order."""
        total = self.total_connections
        return ContactHistory(
            self.connected[rows],
            self.connections[rows],
            self.days_since_decline[rows],
            self.days_since_connection[rows],
            self.unanswered[rows],
            self.days_since_unanswered[rows],
            total if total.ndim == 1 else total[rows],
            tuple(counts[rows] for counts in self.shown),
            self.is_known,
        )


def no_history(rows: int, book: ContactBook, totals: Mapping[str, int]) -> ContactHistory:
    """The history of n subscribers of whom nothing is known."""
    shape = (rows, len(book.offers))
    taken = np.zeros(len(book.offers))
    for offer_id, count in totals.items():
        place = book.places.get(offer_id)
        if place is not None:
            taken[place] = count
    return ContactHistory(
        np.zeros(shape, bool),
        np.zeros(shape),
        np.full(shape, np.inf),
        np.full(shape, np.inf),
        np.zeros(shape),
        np.full(shape, np.inf),
        taken,
        tuple(np.zeros((rows, groups)) for groups in book.groups),
    )


def history_of(
    responses: Sequence[Response], totals: Mapping[str, int], book: ContactBook, *, at: int
) -> ContactHistory:
    """Contact history of one subscriber (n = 1) from its events in order of time; `at` in microseconds.

    Places that are reserved but not yet shown count like impressions when they are handed in as such.
    """
    history = no_history(1, book, totals)
    count_contacts(history, 0, responses, book, at=at)
    return history


def count_contacts(
    history: ContactHistory, row: int, responses: Sequence[Response], book: ContactBook, *, at: int
) -> None:
    """Fill in one row of a history of nothing; see `history_of`."""
    places, look_back = book.places, book.look_back
    shown: list[tuple[int | None, str | None, int]] = []
    answered: dict[int, int] = {}
    for response in responses:
        age = at - response.occurred_at
        if age < 0:
            continue
        place = places.get(response.offer_id)
        if response.kind is EventKind.IMPRESSION:
            if age < look_back:
                shown.append((place, response.channel, age))
            continue
        if place is None:
            continue
        if response.kind in ANSWERS:
            answered[place] = age
        match response.kind:
            case EventKind.CONNECTION:
                history.connections[row, place] += not history.connected[row, place]
                history.connected[row, place] = True
                history.days_since_connection[row, place] = age / DAY
            case EventKind.DISCONNECTION:
                history.connected[row, place] = False
            case EventKind.DECLINE:
                history.days_since_decline[row, place] = age / DAY
    for cap, counts in zip(book.policy.caps, history.shown, strict=True):
        window = cap.within_days * DAY
        for place, channel, age in shown:
            if age < window and (group := book.group(cap, place, channel)) is not None:
                counts[row, group] += 1.0
    if book.policy.unanswered is not None:
        window = book.policy.unanswered.within_days * DAY
        for place, _, age in shown:
            if place is not None and age < window and age < answered.get(place, inf):
                history.unanswered[row, place] += 1.0
                history.days_since_unanswered[row, place] = age / DAY
