"""The ledger in memory: the same contract in a few plain lines."""

import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Event, EventKind, Outcome, Response
from mia.errors import InvalidInput, LedgerUnavailable, MiaError, RequestConflict, UnknownDecision
from mia.storage.ledger.contexts import CONTEXT_SCHEMA
from mia.storage.ledger.decided import DECIDED_SCHEMA
from mia.storage.ledger.events import ARRIVED_SCHEMA, LEDGER_SCHEMA, require_events
from mia.storage.ledger.tally import TALLY_SCHEMA

FILLED_IN = ("local_day", "arm", "region", "macro_region")


class FakeLedger:
    """`mia.ports.Ledger` over a list. Set `down` to make every call fail as an unreachable database does."""

    def __init__(self) -> None:
        self.down = False
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._by_id: dict[str, Event] = {}
        self._commits = 0
        self._recorded: list[int] = []
        self._decisions: dict[str, Decision] = {}

    def append_events(self, events: Sequence[Event]) -> list[Outcome]:
        return self.commit([events], [])[0][0]

    def append_decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        with self._locked():
            before = dict(self._decisions)
            answers = [self._keep(decision) for decision in decisions]
            for answer in answers:
                if isinstance(answer, MiaError):
                    self._decisions = before
                    raise answer
            return answers

    def commit(
        self, batches: Sequence[Sequence[Event]], decisions: Sequence[Decision]
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        with self._locked():
            self._commits += 1
            outcomes = [[self._take(event) for event in batch] for batch in batches]
            return outcomes, [self._keep(decision) for decision in decisions]

    def load_events(self, events: pa.Table) -> tuple[int, int, list[str]]:
        content = [Event(**{**row, "kind": EventKind(row["kind"])}) for row in require_events(events).to_pylist()]
        with self._locked():
            self._commits += 1
            outcomes = [self._take(event) for event in content]
        conflicts = [
            event.event_id for event, outcome in zip(content, outcomes, strict=True) if outcome is Outcome.CONFLICT
        ]
        return outcomes.count(Outcome.ACCEPTED), outcomes.count(Outcome.DUPLICATE), conflicts

    def decision(self, decision_id: str) -> Decision:
        with self._locked():
            if decision_id not in self._decisions:
                raise UnknownDecision(decision_id)
            return self._decisions[decision_id]

    def answered(self, request_id: str) -> Decision | None:
        with self._locked():
            return self._answered(request_id)

    def responses(self, subscriber_id: str, upto: int | None = None) -> list[Response]:
        with self._locked():
            own = [event for event in self._events[:upto] if event.subscriber_id == subscriber_id]
        own.sort(key=lambda event: (event.occurred_at, event.event_id))
        return [Response(event.offer_id, event.kind, event.occurred_at) for event in own]

    def connections_by_offer(self, upto: int | None = None, *, after: int = 0) -> dict[str, int]:
        counts: dict[str, int] = {}
        with self._locked():
            for event in self._events[after:upto]:
                if event.kind is EventKind.CONNECTION:
                    counts[event.offer_id] = counts.get(event.offer_id, 0) + 1
        return counts

    def position(self) -> int:
        with self._locked():
            return len(self._events)

    def events(self, after: int = 0) -> pa.Table:
        with self._locked():
            rows = [{"seq": seq, **asdict(event)} for seq, event in enumerate(self._events, 1) if seq > after]
        return pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)

    def arrived(self, after: int, limit: int) -> pa.Table:
        events = self.events(after).slice(0, limit)
        with self._locked():
            recorded = self._recorded[after : after + events.num_rows]
        return events.append_column(ARRIVED_SCHEMA.field("recorded_at"), pa.array(recorded, pa.int64()))

    def decided(self, decision_ids: Sequence[str]) -> pa.Table:
        with self._locked():
            found = [self._decisions[name] for name in decision_ids if name in self._decisions]
        rows = [
            {
                "decision_id": decision.decision_id,
                "placement": decision.request.placement,
                "model_version": decision.versions.model,
            }
            for decision in found
        ]
        return pa.Table.from_pylist(rows, schema=DECIDED_SCHEMA)

    def decision_contexts(self) -> pa.Table:
        with self._locked():
            found = sorted(self._decisions.values(), key=lambda decision: decision.decision_id)
        rows = [
            {
                "decision_id": decision.decision_id,
                "decided_at": decision.request.at,
                "placement": decision.request.placement,
                "context": [
                    (name, float(value))
                    for name, value in decision.request.context.items()
                    if isinstance(value, int | float) and not isinstance(value, bool)
                ],
            }
            for decision in found
        ]
        return pa.Table.from_pylist(rows, schema=CONTEXT_SCHEMA)

    def decision_tally(self, since: int, until: int) -> pa.Table:
        with self._locked():
            found = [one for one in self._decisions.values() if since <= one.request.at < until]
        counts: dict[tuple[Any, ...], int] = {}
        for one in found:
            fallback = None if one.fallback is None else one.fallback.value
            key = (one.request.at // (86_400 * 1_000_000), one.versions.model, fallback, one.explored)
            counts[key] = counts.get(key, 0) + 1
        names = TALLY_SCHEMA.names
        rows = [dict(zip(names, (*key, number), strict=True)) for key, number in counts.items()]
        return pa.Table.from_pylist(rows, schema=TALLY_SCHEMA).sort_by([(name, "ascending") for name in names])

    def decisions_count(self) -> int:
        with self._locked():
            return len(self._decisions)

    def explored_impressions(self) -> tuple[int, int]:
        with self._locked():
            shown = [
                self._decisions[event.decision_id].explored
                for event in self._events
                if event.kind is EventKind.IMPRESSION and event.decision_id in self._decisions
            ]
        return sum(shown), len(shown)

    def close(self) -> None:
        pass

    def _locked(self) -> threading.Lock:
        if self.down:
            raise LedgerUnavailable("the ledger is down")
        return self._lock

    def _take(self, event: Event) -> Outcome:
        known = self._by_id.get(event.event_id)
        if known is not None:
            return Outcome.DUPLICATE if _said(known) == _said(event) else Outcome.CONFLICT
        self._by_id[event.event_id] = event
        self._events.append(event)
        self._recorded.append(self._commits)
        return Outcome.ACCEPTED

    def _answered(self, request_id: str) -> Decision | None:
        for decision in self._decisions.values():
            if decision.request.request_id == request_id:
                return decision
        return None

    def _keep(self, decision: Decision) -> Decision | MiaError:
        request_id = decision.request.request_id
        earlier = None if request_id is None else self._answered(request_id)
        if earlier is not None and request_id is not None:
            return earlier if _asked(earlier.request) == _asked(decision.request) else RequestConflict(request_id)
        known = self._decisions.setdefault(decision.decision_id, decision)
        return known if known == decision else InvalidInput("another content", column="decision_id")


def _said(event: Event) -> dict[str, object]:
    return {name: value for name, value in asdict(event).items() if name not in FILLED_IN}


def _asked(request: DecisionRequest) -> tuple[object, ...]:
    return request.subscriber_id, request.channel, request.placement, request.limit
