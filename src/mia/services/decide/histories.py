"""Contact histories: what the ledger knows of subscribers, read for decisions, as the rules look at it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.past import Past
from mia.offers.contact import ContactHistory, count_contacts, no_history
from mia.ports import Ledger
from mia.services.decide.live import Live

UNLIMITED_USE = 2**31


@dataclass(slots=True)
class Histories:
    """Reads what a decision is taken on."""

    ledger: Ledger

    def newest(self, live: Live, requests: Sequence[DecisionRequest]) -> list[Past]:
        """All that is known now to each of the requests; raises LedgerUnavailable."""
        return self.ledger.pasts([(one.subscriber_id, one.at) for one in requests], budgets=live.budgets)

    def upto(self, request: DecisionRequest, positions: tuple[int, int] | None) -> Past:
        """What was known up to positions of events and of decisions, all by default; raises LedgerUnavailable."""
        return self.ledger.past(request.subscriber_id, at=request.at, upto=positions)

    def then(self, stored: Decision) -> Past:
        """What a stored decision was taken on; raises LedgerUnavailable."""
        past = self.upto(stored.request, (stored.ledger_position, stored.decision_position))
        return replace(past, exhausted=frozenset(stored.exhausted))


def contact_history(live: Live, requests: Sequence[DecisionRequest], pasts: Sequence[Past] | None) -> ContactHistory:
    """The histories that the rules look at, a row a request; without a past nothing says how much of a budget is left
    or what the subscriber has, so offers with a budget rest, and so do those that require or exclude others.
    """
    book = live.eligibility.book
    found = no_history(len(requests), book, {})
    if pasts is None:
        return replace(found, total_connections=found.total_connections + UNLIMITED_USE, is_known=False)
    # Of a budget it only matters whether anything is left, which is another matter for who has a place held.
    totals = np.zeros((len(requests), len(book.offers)))
    for row, (request, past) in enumerate(zip(requests, pasts, strict=True)):
        count_contacts(found, row, past.contacts(request.at), book, at=request.at)
        for offer_id in past.exhausted & book.places.keys():
            totals[row, book.places[offer_id]] = UNLIMITED_USE
    return replace(found, total_connections=totals)
