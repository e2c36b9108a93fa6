"""Decisions in a write transaction: which of those handed in stand, and what stands in the place of the others.

A decision was taken on what its caller could read. Whoever commits is alone, so here it is known for certain whether
its subscriber got another decision or event since, or its offers ran out. Where that is so, it is taken anew on what is
there now, and can no longer be overtaken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from mia.domain.decision import Decision
from mia.errors import InvalidInput, MiaError, RequestConflict, StaleDecision
from mia.ports import Proposal
from mia.storage.ledger import decisions as kept
from mia.storage.ledger.budgets import Budgets
from mia.storage.ledger.dialect import Dialect
from mia.storage.ledger.past import overtaken, pasts_of
from mia.storage.ledger.raw import Raw

RETAKES = 32
"""Decisions that are taken anew in one transaction; more would keep other writers waiting, and come back as stale."""


@dataclass
class Standing:
    """The decisions of one write transaction."""

    connection: Connection
    dialect: Dialect
    raw: Raw
    budgets: Budgets
    _by_id: dict[str, Decision] = field(default_factory=dict)
    _by_request: dict[str, Decision] = field(default_factory=dict)
    _touched: set[str] = field(default_factory=set)
    _fresh: list[kept.Row] = field(default_factory=list)
    _retaken: int = 0

    def settle(self, proposals: Sequence[Proposal], rows: Sequence[kept.Row]) -> list[Decision | MiaError]:
        """Append what stands, in order; `rows` are the decisions as `decisions.encode` makes them.

        Each answer is the decision that now stands, or why there is none: RequestConflict, InvalidInput when its id
        belongs to another decision, and StaleDecision for one that must be handed in again.
        """
        self._recall(proposals)
        checked = [place for place, one in enumerate(proposals) if one.retake is not None]
        stale = {checked[found] for found in overtaken(self.raw, [_asked(proposals[place]) for place in checked])}
        answers = [
            self._earlier(one.decision, row) or self._settle(one, row, stale=place in stale)
            for place, (one, row) in enumerate(zip(proposals, rows, strict=True))
        ]
        self._write()
        return answers

    def _settle(self, proposal: Proposal, row: kept.Row, *, stale: bool) -> Decision | MiaError:
        decision, retake = proposal.decision, proposal.retake
        subscriber_id = decision.request.subscriber_id
        sound = retake is None or not (stale or subscriber_id in self._touched)
        if not (sound and self._hold(decision)) and retake is not None:
            if self._retaken == RETAKES:
                return StaleDecision(decision.decision_id)
            self._retaken += 1
            self._write()
            (past,) = pasts_of(self.raw, [(subscriber_id, decision.request.at)])
            decision = retake(replace(past, exhausted=self.budgets.exhausted(subscriber_id)))
            row = kept.encode(decision)
            if not self._hold(decision):
                # Taken with a catalogue that came into force since: the next transaction knows its budgets.
                return StaleDecision(decision.decision_id)
        self._touched.add(subscriber_id)
        self._remember(decision)
        self._fresh.append(row)
        return decision

    def _hold(self, decision: Decision) -> bool:
        offer_ids = [offer.offer_id for offer in decision.offers]
        return self.budgets.hold(offer_ids, decision.request.subscriber_id, decision.reserved_until)

    def _write(self) -> None:
        kept.insert(self.connection, self.dialect, self._fresh)
        self._fresh = []

    def _recall(self, proposals: Sequence[Proposal]) -> None:
        # Ids of decisions that were just taken are new; only facts may be handed in twice.
        ids = [one.decision.decision_id for one in proposals if one.retake is None]
        requests = [one.decision.request.request_id for one in proposals]
        given = [request_id for request_id in requests if request_id is not None]
        for earlier in kept.known(self.connection, self.raw, ids, given):
            self._remember(earlier)

    def _remember(self, decision: Decision) -> None:
        self._by_id[decision.decision_id] = decision
        if decision.request.request_id is not None:
            self._by_request[decision.request.request_id] = decision

    def _earlier(self, decision: Decision, row: kept.Row) -> Decision | MiaError | None:
        request_id = decision.request.request_id
        known = self._by_request.get(request_id) if request_id is not None else None
        if known is not None and request_id is not None:
            same = kept.is_same_request(known.request, decision.request)
            return known if same else RequestConflict(request_id)
        known = self._by_id.get(decision.decision_id)
        if known is None or kept.encode(known) == row:
            return known
        return InvalidInput(f"decision {decision.decision_id!r} is there already with another content")


def _asked(proposal: Proposal) -> tuple[str, int, int, int]:
    decision = proposal.decision
    request = decision.request
    return request.subscriber_id, decision.ledger_position, decision.decision_position, request.at
