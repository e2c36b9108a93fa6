"""Contact histories: what the ledger knows of a subscriber, read for one decision, as the rules look at it."""

from dataclasses import dataclass, replace

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.past import Past
from mia.offers.contact import ContactHistory, history_of, no_history
from mia.ports import Ledger
from mia.services.decide.live import Live

UNLIMITED_USE = 2**31


@dataclass(slots=True)
class Histories:
    """Reads what a decision is taken on."""

    ledger: Ledger

    def newest(self, live: Live, request: DecisionRequest) -> Past:
        """All that is known now; raises LedgerUnavailable."""
        return self.ledger.past(request.subscriber_id, at=request.at, budgets=live.budgets)

    def upto(self, request: DecisionRequest, positions: tuple[int, int] | None) -> Past:
        """What was known up to positions of events and of decisions, all by default; raises LedgerUnavailable."""
        return self.ledger.past(request.subscriber_id, at=request.at, upto=positions)

    def then(self, stored: Decision) -> Past:
        """What a stored decision was taken on; raises LedgerUnavailable."""
        past = self.upto(stored.request, (stored.ledger_position, stored.decision_position))
        return replace(past, exhausted=frozenset(stored.exhausted))


def contact_history(live: Live, request: DecisionRequest, past: Past | None) -> ContactHistory:
    """The history that the rules look at; without a past nothing says how much of a budget is left or what the
    subscriber has, so offers with a budget rest, and so do those that require or exclude others.
    """
    book = live.eligibility.book
    if past is None:
        unknown = no_history(1, book, {})
        return replace(unknown, total_connections=unknown.total_connections + UNLIMITED_USE, is_known=False)
    # Of a budget it only matters whether anything is left.
    totals = dict.fromkeys(past.exhausted, UNLIMITED_USE)
    return history_of(past.contacts(request.at), totals, book, at=request.at)
