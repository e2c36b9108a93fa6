"""The ledger in memory: the same contract in a few plain lines."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Event, EventKind, Outcome, Response
from mia.domain.past import Past
from mia.errors import InvalidInput, LedgerUnavailable, MiaError, RequestConflict, UnknownDecision
from mia.ports import NO_BUDGETS, Proposal
from mia.storage.ledger.contexts import CONTEXT_SCHEMA
from mia.storage.ledger.decided import DECIDED_SCHEMA
from mia.storage.ledger.events import ARRIVED_SCHEMA, LEDGER_SCHEMA, require_events
from mia.storage.ledger.tally import TALLY_SCHEMA
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_of

DAY = DAY_SECONDS * MICROSECONDS
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
        self._holds: dict[tuple[str, str], int] = {}
        self.now = 0

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
        self,
        batches: Sequence[Sequence[Event]],
        proposals: Sequence[Proposal],
        budgets: Mapping[str, int] = NO_BUDGETS,
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        with self._locked():
            self._commits += 1
            outcomes = [[self._take(event, budgets) for event in batch] for batch in batches]
            return outcomes, [self._propose(proposal, budgets) for proposal in proposals]

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

    def find_decisions(self, decision_ids: Sequence[str]) -> list[Decision]:
        with self._locked():
            return [self._decisions[one] for one in decision_ids if one in self._decisions]

    def answered(self, request_id: str) -> Decision | None:
        with self._locked():
            return self._answered(request_id)

    def past(
        self,
        subscriber_id: str,
        *,
        at: int,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> Past:
        with self._locked():
            return self._past(subscriber_id, at, budgets, upto)

    def pasts(
        self,
        asked: Sequence[tuple[str, int]],
        *,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> list[Past]:
        with self._locked():
            return [self._past(subscriber_id, at, budgets, upto) for subscriber_id, at in asked]

    def responses(self, subscriber_id: str, upto: int | None = None) -> list[Response]:
        with self._locked():
            own = [event for event in self._events[:upto] if event.subscriber_id == subscriber_id]
        own.sort(key=lambda event: (event.occurred_at, event.event_id))
        return [Response(event.offer_id, event.kind, event.occurred_at, event.channel) for event in own]

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

    def events(self, after: int = 0, columns: Sequence[str] | None = None) -> pa.Table:
        with self._locked():
            rows = [{"seq": seq, **asdict(event)} for seq, event in enumerate(self._events, 1) if seq > after]
        found = pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)
        return found if columns is None else found.select(columns)

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

    def latest_decisions(self, offset: int, limit: int) -> tuple[int, list[Decision]]:
        with self._locked():
            newest = sorted(self._decisions.values(), key=lambda one: (-one.request.at, one.decision_id))
        return len(newest), newest[offset : offset + limit]

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

    def prune_decisions(self, before: int) -> int:
        with self._locked():
            old = [one for one in self._decisions.values() if month_of(one.request.at // DAY) < before]
            for one in old:
                del self._decisions[one.decision_id]
            return len(old)

    def person(self, subscriber_id: str) -> tuple[pa.Table, list[Decision]]:
        everything = self.events().to_pylist()
        own = [row for row in everything if row["subscriber_id"] == subscriber_id]
        own.sort(key=lambda row: (row["occurred_at"], row["event_id"]))
        with self._locked():
            decisions = [one for one in self._decisions.values() if one.request.subscriber_id == subscriber_id]
        decisions.sort(key=lambda one: (one.request.at, one.decision_id))
        return pa.Table.from_pylist(own, schema=LEDGER_SCHEMA), decisions

    def erase(self, subscriber_id: str, alias: str) -> tuple[int, int]:
        with self._locked():
            renamed = [replace(one, subscriber_id=alias) for one in self._events if one.subscriber_id == subscriber_id]
            by_id = {one.event_id: one for one in renamed}
            self._events = [by_id.get(one.event_id, one) for one in self._events]
            self._by_id |= by_id
            forgotten = [one for one in self._decisions.values() if one.request.subscriber_id == subscriber_id]
            for one in forgotten:
                del self._decisions[one.decision_id]
            return len(renamed), len(forgotten)

    def close(self) -> None:
        pass

    def _locked(self) -> threading.Lock:
        if self.down:
            raise LedgerUnavailable("the ledger is down")
        return self._lock

    def _past(
        self, subscriber_id: str, at: int, budgets: Mapping[str, int], upto: tuple[int, int] | None = None
    ) -> Past:
        events, decisions = upto or (len(self._events), len(self._decisions))
        own = [event for event in self._events[:events] if event.subscriber_id == subscriber_id]
        own.sort(key=lambda event: (event.occurred_at, event.event_id))
        shown = {(event.decision_id, event.offer_id) for event in own if event.kind is EventKind.IMPRESSION}
        keeping = [
            (place, one)
            for place, one in enumerate(self._decisions.values(), 1)
            if place <= decisions and one.request.subscriber_id == subscriber_id and one.reserved_until > at
        ]
        reserved = [
            Response(offer.offer_id, EventKind.IMPRESSION, one.request.at, one.request.channel)
            for _, one in keeping
            for offer in one.offers
            if (one.decision_id, offer.offer_id) not in shown
        ]
        reserved.sort(key=lambda one: one.occurred_at)
        newest = max((place for place, _ in keeping), default=0)
        return Past(
            events,
            decisions if upto else newest,
            tuple(Response(event.offer_id, event.kind, event.occurred_at, event.channel) for event in own),
            tuple(reserved),
            frozenset(
                offer_id
                for offer_id in ({} if upto else budgets)
                if not self._is_free(offer_id, subscriber_id, budgets)
            ),
        )

    def _is_free(self, offer_id: str, subscriber_id: str, budgets: Mapping[str, int]) -> bool:
        connected = sum(one.kind is EventKind.CONNECTION and one.offer_id == offer_id for one in self._events)
        held = {
            who
            for (offer, who), until in self._holds.items()
            if offer == offer_id and who != subscriber_id and until > self.now
        }
        return connected + len(held) < budgets[offer_id]

    def _propose(self, proposal: Proposal, budgets: Mapping[str, int]) -> Decision | MiaError:
        decision = proposal.decision
        request = decision.request
        answered = None if request.request_id is None else self._answered(request.request_id)
        if proposal.retake is not None and answered is None:
            past = self._past(request.subscriber_id, request.at, budgets)
            newer = [event.subscriber_id for event in self._events[decision.ledger_position :]]
            stale = request.subscriber_id in newer or past.decision_position > decision.decision_position
            if stale or past.exhausted & {offer.offer_id for offer in decision.offers}:
                decision = proposal.retake(past)
        kept = self._keep(decision)
        if kept is decision and decision.reserved_until > self.now:
            for offer in decision.offers:
                if offer.offer_id in budgets:
                    self._holds[offer.offer_id, request.subscriber_id] = decision.reserved_until
        return kept

    def _take(self, event: Event, budgets: Mapping[str, int] = NO_BUDGETS) -> Outcome:
        known = self._by_id.get(event.event_id)
        if known is not None:
            return Outcome.DUPLICATE if _said(known) == _said(event) else Outcome.CONFLICT
        if event.kind is EventKind.CONNECTION and event.offer_id in budgets:
            if not self._is_free(event.offer_id, event.subscriber_id, budgets):
                return Outcome.OVER_BUDGET
            self._holds.pop((event.offer_id, event.subscriber_id), None)
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
