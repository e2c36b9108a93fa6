"""The ledger over SQL: what was decided and what happened, committed before it is acknowledged."""

from collections.abc import Sequence

import pyarrow as pa

from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome, Response
from mia.errors import MiaError, UnknownDecision
from mia.storage.ledger import contexts as kept_contexts
from mia.storage.ledger import decided
from mia.storage.ledger import decisions as kept_decisions
from mia.storage.ledger import events as kept_events
from mia.storage.ledger.database import Database
from mia.storage.ledger.schema import EVENTS
from mia.storage.ledger.tally import tally


class SqlLedger:
    """`mia.ports.Ledger` on SQLite or PostgreSQL. Safe to share between threads and between processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def append_events(self, events: Sequence[Event]) -> list[Outcome]:
        """Commit events in one transaction; one outcome for each, in order."""
        return self.commit([events], [])[0][0]

    def append_decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Commit decisions in one transaction, all or none; where a request id was answered before, the earlier
        decision comes back. Raises RequestConflict.
        """
        with self.database.writing() as connection:
            answers = kept_decisions.append(connection, self.database.dialect, decisions)
            standing = []
            for answer in answers:
                if isinstance(answer, MiaError):
                    raise answer
                standing.append(answer)
            return standing

    def commit(
        self, batches: Sequence[Sequence[Event]], decisions: Sequence[Decision]
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        """Commit the work of many callers in one transaction; a decision in conflict spoils no neighbour."""
        with self.database.writing() as connection:
            dialect = self.database.dialect
            outcomes = kept_events.append_batches(connection, dialect, batches, self.database.clock())
            answers = kept_decisions.append(connection, dialect, decisions)
            return outcomes, answers

    def load_events(self, events: pa.Table) -> tuple[int, int, list[str]]:
        """Commit a columnar batch of events in one transaction.

        Returns the numbers accepted and duplicate, and the id of each row in conflict; they add up to the rows.
        Raises InvalidInput that names column and row.
        """
        content = kept_events.require_events(events)
        with self.database.writing() as connection:
            return kept_events.load_table(connection, self.database.dialect, content, self.database.clock())

    def decision(self, decision_id: str) -> Decision:
        """One decision; raises UnknownDecision."""
        with self.database.reading() as connection:
            found = kept_decisions.by_decision_id(connection, decision_id)
        if found is None:
            raise UnknownDecision(decision_id)
        return found

    def answered(self, request_id: str) -> Decision | None:
        """The decision that answered this request id, if any."""
        with self.database.reading() as connection:
            return kept_decisions.by_request_id(connection, request_id)

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

    def events(self, after: int = 0) -> pa.Table:
        """All events after a position: `seq` and the fields of `Event`, by position."""
        with self.database.reading() as connection:
            return self.database.dialect.read(connection, EVENTS, kept_events.LEDGER_SCHEMA, after)

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

    def decisions_count(self) -> int:
        """Number of decisions kept."""
        with self.database.reading() as connection:
            return kept_decisions.count(connection)

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of decisions that explored, and of all decisions; other impressions belong to neither."""
        with self.database.reading() as connection:
            return kept_decisions.explored_impressions(connection)

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()
