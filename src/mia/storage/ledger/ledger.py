"""The ledger over SQL: what was decided and what happened, committed before it is acknowledged."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from mia.domain.decision import Decision
from mia.domain.event import Event, EventKind, Outcome, Response
from mia.domain.past import Past
from mia.errors import MiaError, UnknownDecision
from mia.ports import NO_BUDGETS, Proposal
from mia.storage.ledger import contexts as kept_contexts
from mia.storage.ledger import decided
from mia.storage.ledger import decisions as kept_decisions
from mia.storage.ledger import events as kept_events
from mia.storage.ledger.budgets import Budgets, exhausted
from mia.storage.ledger.database import Database
from mia.storage.ledger.past import pasts_of
from mia.storage.ledger.person import erase_person, events_of
from mia.storage.ledger.raw import Raw
from mia.storage.ledger.retention import prune
from mia.storage.ledger.schema import EVENTS
from mia.storage.ledger.standing import Standing
from mia.storage.ledger.tally import tally


class SqlLedger:
    """`mia.ports.Ledger` on SQLite or PostgreSQL. Safe to share between threads and between processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def append_events(self, events: Sequence[Event]) -> list[Outcome]:
        """Commit events in one transaction, whatever budgets say; one outcome for each, in order."""
        return self.commit([events], [])[0][0]

    def append_decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Commit decisions in one transaction, all or none; where a request id was answered before, the earlier
        decision comes back. Raises RequestConflict.
        """
        rows = [kept_decisions.encode(decision) for decision in decisions]
        with self._alone({}) as (_, standing):
            answers = standing.settle([Proposal(decision) for decision in decisions], rows)
            for answer in answers:
                if isinstance(answer, MiaError):
                    raise answer
            return [answer for answer in answers if not isinstance(answer, MiaError)]

    def commit(
        self,
        batches: Sequence[Sequence[Event]],
        proposals: Sequence[Proposal],
        budgets: Mapping[str, int] = NO_BUDGETS,
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        """Commit the work of many callers in one transaction; a decision in conflict spoils no neighbour.

        Events come first. `budgets` are the most connections that offers may have in all.
        """
        # Encoded before the lock is taken, which is what others wait for.
        rows = [[kept_events.encode(event) for event in batch] for batch in batches]
        decided = [kept_decisions.encode(proposal.decision) for proposal in proposals]
        with self._alone(budgets) as (counts, standing):
            counts.look(
                {one.decision.request.subscriber_id for one in proposals}
                | {
                    event.subscriber_id
                    for batch in batches
                    for event in batch
                    if event.kind is EventKind.CONNECTION and event.offer_id in budgets
                }
            )
            outcomes = kept_events.append(standing.connection, standing.dialect, rows, counts, self.database.clock())
            answers = standing.settle(proposals, decided)
            counts.write()
            return outcomes, answers

    @contextmanager
    def _alone(self, limits: Mapping[str, int]) -> Iterator[tuple[Budgets, Standing]]:
        """The budgets and the decisions of one write transaction."""
        with self.database.writing() as connection:
            raw = Raw(connection)
            counts = Budgets(raw, limits, self.database.clock())
            yield counts, Standing(connection, self.database.dialect, raw, counts)

    def load_events(self, events: pa.Table) -> tuple[int, int, list[str]]:
        """Commit a columnar batch of events in one transaction.

        Returns the numbers accepted and duplicate, and the id of each row in conflict; they add up to the rows.
        Connections are facts, so they count towards budgets and none is turned away. Raises InvalidInput that names
        column and row.
        """
        content = kept_events.require_events(events)
        with self._alone({}) as (counts, standing):
            now = self.database.clock()
            found = kept_events.load_table(standing.connection, standing.dialect, content, counts, now)
            counts.write()
            return found

    def decision(self, decision_id: str) -> Decision:
        """One decision; raises UnknownDecision."""
        with self.database.reading() as connection:
            found = kept_decisions.by_decision_id(connection, decision_id)
        if found is None:
            raise UnknownDecision(decision_id)
        return found

    def find_decisions(self, decision_ids: Sequence[str]) -> list[Decision]:
        """Those of the decisions that are kept; see `mia.ports.Ledger.find_decisions`."""
        with self.database.reading() as connection:
            return kept_decisions.by_decision_ids(connection, decision_ids)

    def answered(self, request_id: str) -> Decision | None:
        """The decision that answered this request id, if any."""
        with self.database.reading() as connection:
            return kept_decisions.by_request_id(connection, request_id)

    def past(
        self,
        subscriber_id: str,
        *,
        at: int,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> Past:
        """What counts when a decision is taken; see `mia.ports.Ledger.past`."""
        (found,) = self.pasts([(subscriber_id, at)], budgets=budgets, upto=upto)
        return found

    def pasts(
        self,
        asked: Sequence[tuple[str, int]],
        *,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> list[Past]:
        """The same of many; see `mia.ports.Ledger.pasts`."""
        with self.database.reading() as connection:
            raw = Raw(connection)
            found = pasts_of(raw, asked, upto)
            if upto is not None or not budgets:
                return found
            spent = exhausted(raw, budgets, [subscriber_id for subscriber_id, _ in asked], self.database.clock())
            return [replace(past, exhausted=gone) for past, gone in zip(found, spent, strict=True)]

    def responses(self, subscriber_id: str, upto: int | None = None) -> list[Response]:
        """Events of one subscriber up to a ledger position, by time and then by event id."""
        with self.database.reading() as connection:
            return kept_events.responses(connection, subscriber_id, upto)

    def connections_by_offer(self, upto: int | None = None, *, after: int = 0) -> dict[str, int]:
        """Connection events of each offer after one ledger position and up to another; offers without are left out."""
        with self.database.reading() as connection:
            return kept_events.connections_by_offer(connection, upto, after)

    def position(self) -> int:
        """Position of the newest event; 0 for an empty ledger. Nothing will ever appear at or below it."""
        with self.database.reading() as connection:
            return kept_events.position(connection)

    def events(self, after: int = 0, columns: Sequence[str] | None = None) -> pa.Table:
        """Events after a position by position: `seq` and the fields of `Event`, or those of them that are named."""
        schema = kept_events.LEDGER_SCHEMA
        wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
        with self.database.reading() as connection:
            return self.database.dialect.read(connection, EVENTS, wanted, after)

    def arrived(self, after: int, limit: int) -> pa.Table:
        """The next events after a position: `seq`, the fields of `Event` and `recorded_at`, by position."""
        with self.database.reading() as connection:
            return self.database.dialect.read(connection, EVENTS, kept_events.ARRIVED_SCHEMA, after, limit)

    def decided(self, decision_ids: Sequence[str]) -> pa.Table:
        """Placement and model version of decisions; see `mia.ports.Ledger.decided`."""
        with self.database.reading() as connection:
            return decided.read(connection, decision_ids)

    def decision_contexts(self) -> pa.Table:
        """What every decision was asked with, in columns; see `mia.ports.Ledger.decision_contexts`."""
        with self.database.reading() as connection:
            return kept_contexts.read(connection, self.database.dialect.contexts)

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions counted by day, model, fallback and exploration; see `mia.ports.Ledger.decision_tally`."""
        with self.database.reading() as connection:
            return tally(connection, since, until)

    def latest_decisions(self, offset: int, limit: int) -> tuple[int, list[Decision]]:
        """Number of decisions kept, and a page of them, the newest first (then by id)."""
        total = self.decisions_count()
        with self.database.reading() as connection:
            return total, kept_decisions.latest(connection, offset, limit)

    def decisions_count(self) -> int:
        """Number of decisions kept."""
        with self.database.reading() as connection:
            return kept_decisions.count(connection)

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of decisions that explored, and of all decisions; other impressions belong to neither."""
        with self.database.reading() as connection:
            return kept_decisions.explored_impressions(connection)

    def prune_decisions(self, before: int) -> int:
        """Remove the decisions of months (UTC) before this one; returns how many. Events that name them stay."""
        return prune(self.database, before)

    def person(self, subscriber_id: str) -> tuple[pa.Table, list[Decision]]:
        """All events and all decisions of one subscriber, in order of time."""
        with self.database.reading() as connection:
            events = events_of(connection, subscriber_id)
        with self.database.reading() as connection:
            return events, kept_decisions.of_subscriber(connection, subscriber_id)

    def erase(self, subscriber_id: str, alias: str) -> tuple[int, int]:
        """Let events of a subscriber go on under another name, and remove its decisions; returns how many of both."""
        with self.database.writing() as connection:
            return erase_person(Raw(connection), subscriber_id, alias)

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()
