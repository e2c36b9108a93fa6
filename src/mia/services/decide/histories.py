"""Contact histories: what the ledger says of a subscriber, read for one decision up to one position."""

from collections.abc import Mapping
from dataclasses import replace

from mia.domain.decision import DecisionRequest
from mia.offers.contact import ContactHistory, history_of, no_history
from mia.ports import Ledger
from mia.services.decide.live import Live

UNLIMITED_USE = 2**31


class Histories:
    """Reads contact histories; connections in all are counted on from where they were counted to."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._counted: tuple[int, dict[str, int]] = (0, {})

    def newest(self, live: Live, request: DecisionRequest) -> tuple[int, ContactHistory]:
        """The newest position and the history up to it; raises LedgerUnavailable."""
        position = self.ledger.position()
        return position, self.upto(live, request, position)

    def upto(self, live: Live, request: DecisionRequest, position: int) -> ContactHistory:
        """The history up to a position; raises LedgerUnavailable."""
        totals = self._totals(position) if live.has_budgets else {}
        responses = self.ledger.responses(request.subscriber_id, position)
        return history_of(responses, totals, live.catalogue.offers, live.eligibility.contact, at=request.at)

    def unknown(self, live: Live) -> ContactHistory:
        """Without the ledger nothing says how much of a budget is left or what the subscriber has: offers with a budget
        rest, and so do those that require or exclude others.
        """
        history = no_history(1, live.catalogue.offers, {})
        return replace(history, total_connections=history.total_connections + UNLIMITED_USE, is_known=False)

    def _totals(self, position: int) -> Mapping[str, int]:
        """Connections of each offer in all up to a position; only what came since the last time is counted anew."""
        counted, totals = self._counted
        if position < counted:
            return self.ledger.connections_by_offer(position)
        if position > counted:
            fresh = self.ledger.connections_by_offer(position, after=counted)
            totals = {offer_id: totals.get(offer_id, 0) + fresh.get(offer_id, 0) for offer_id in totals | fresh}
            self._counted = (position, totals)
        return totals
