"""Shelter: decisions and events that are taken while the ledger is away, and how they get there when it is back."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import orjson

from mia.domain.decision import Decision
from mia.domain.event import Event, EventKind, Outcome
from mia.domain.following import follow, is_unfinished
from mia.errors import MiaError, RequestConflict
from mia.ports import NO_BUDGETS, Proposal
from mia.storage.ledger import decisions as kept_decisions
from mia.storage.ledger import events as kept_events
from mia.storage.spool import Spool

BATCH = 512
"""Records that are delivered in one transaction, between those of callers who wait."""
EVENTS_SHARE = 0.5
"""Share of the spool that events may fill; the rest is for decisions, which must go on."""
log = logging.getLogger(__name__)


class Receiver(Protocol):
    """The ledger, as far as a delivery needs it."""

    def commit(
        self, batches: Sequence[Sequence[Event]], proposals: Sequence[Proposal], budgets: Mapping[str, int] = NO_BUDGETS
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        """Commit all in one transaction."""

    def find_decisions(self, decision_ids: Sequence[str]) -> list[Decision]:
        """Those of the decisions that are kept."""


class Shelter:
    """Takes in work while the ledger is away. For one thread at a time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._answered: dict[str, Decision] = {}
        self._unsynced: dict[str, Decision] = {}

    def keep_decision(self, proposal: Proposal) -> Decision:
        """Write a decision, taken anew without the ledger; a request id that was answered here gets that answer.

        It is kept after the next `sync`. Raises RequestConflict and SpoolFull.
        """
        request = proposal.decision.request
        given = request.request_id
        earlier = None if given is None else self._unsynced.get(given) or self._answered.get(given)
        if earlier is not None and given is not None:
            if kept_decisions.is_same_request(earlier.request, request):
                return earlier
            raise RequestConflict(given)
        decision = proposal.decision if proposal.retake is None else proposal.retake(None)
        self._spool.append([orjson.dumps({"decision": kept_decisions.encode(decision)})])
        if given is not None:
            self._unsynced[given] = decision
        return decision

    def keep_events(self, events: Sequence[Event]) -> list[Outcome]:
        """Write events, which are kept after the next `sync`; raises SpoolFull."""
        self._spool.append([orjson.dumps({"event": kept_events.encode(event)[0]}) for event in events], EVENTS_SHARE)
        return [Outcome.ACCEPTED] * len(events)

    def sync(self) -> None:
        """Wait for the disk; raises SpoolFull, and what was written since the last time was never answered then."""
        fresh, self._unsynced = self._unsynced, {}
        self._spool.sync()
        self._answered |= fresh

    def deliver(self, ledger: Receiver) -> bool:
        """Hand some of what waits to the ledger; False when nothing waits.

        What is handed in again after a crash is known by its id, so each arrives once. Raises LedgerUnavailable.
        """
        records = [orjson.loads(record) for record in self._spool.peek(BATCH)]
        if not records:
            self._answered = {}
            return False
        decisions = [_decision(one["decision"]) for one in records if "decision" in one]
        events = [_event(one["event"]) for one in records if "event" in one]
        _, answers = ledger.commit([], [Proposal(decision) for decision in decisions])
        # Its request id may have been answered by another worker or node meanwhile; it was given out all the same.
        unplaced = [
            Proposal(replace(decision, request=replace(decision.request, request_id=None)))
            for decision, answer in zip(decisions, answers, strict=True)
            if isinstance(answer, MiaError) or answer.decision_id != decision.decision_id
        ]
        (outcomes,), again = ledger.commit([self.finish(ledger, events)], unplaced)
        for answer in again:
            if isinstance(answer, MiaError):
                log.error("a decision of the spool cannot be kept: %s", answer)
        for event, outcome in zip(events, outcomes, strict=True):
            if outcome is Outcome.CONFLICT:
                log.error("event %s of the spool is there already with another content", event.event_id)
        self._spool.drop()
        return True

    def finish(self, ledger: Receiver, events: Sequence[Event]) -> list[Event]:
        """Events whose decisions could not be looked up when they were taken, completed from them."""
        named = (event.decision_id for event in events if is_unfinished(event))
        wanted = {decision_id for decision_id in named if decision_id is not None}
        if not wanted:
            return list(events)
        # The spools first: what is in none of them any more has reached the ledger.
        found = {decision.decision_id: decision for decision in self._waiting() if decision.decision_id in wanted}
        elsewhere = sorted(wanted - found.keys())
        if elsewhere:
            found |= {decision.decision_id: decision for decision in ledger.find_decisions(elsewhere)}
        for decision_id in wanted - found.keys():
            log.warning("decision %s, which an event names, is known to no spool and no ledger", decision_id)
        return [
            follow(event, found[event.decision_id]) if is_unfinished(event) and event.decision_id in found else event
            for event in events
        ]

    def close(self) -> None:
        """Let go of the spool."""
        self._spool.close()

    def _waiting(self) -> Iterable[Decision]:
        for record in self._spool.everything():
            content = orjson.loads(record)
            if "decision" in content:
                yield _decision(content["decision"])


def _decision(row: Sequence[Any]) -> Decision:
    return kept_decisions.decode(dict(zip(kept_decisions.COLUMNS, row, strict=True)))


def _event(row: Sequence[Any]) -> Event:
    fields = dict(zip(kept_events.EVENT_SCHEMA.names, row, strict=True))
    return Event(**{**fields, "kind": EventKind(fields["kind"])})
