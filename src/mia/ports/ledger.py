"""The ledger: decisions and events, each once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import pyarrow as pa

from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome, Response
from mia.domain.past import Past

NO_BUDGETS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision to be committed, and how to take it anew: on what the ledger holds by then, or on None while the
    ledger is away. Without `retake` it is a fact, and kept as it is.
    """

    decision: Decision
    retake: Callable[[Past | None], Decision] | None = None


class Ledger(Protocol):
    """Decisions and events, committed before they are acknowledged."""

    def append_events(self, events: Sequence[Event]) -> list[Outcome]:
        """Commit events in one transaction; one outcome for each, in order.

        An id that is there already with equal content is a duplicate, with other content a conflict; both
        change nothing. Raises LedgerUnavailable.
        """

    def load_events(self, events: pa.Table) -> tuple[int, int, list[str]]:
        """Commit a columnar batch of events (fields of `Event`) in one transaction.

        Returns the numbers accepted and duplicate, and the ids in conflict.
        """

    def append_decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Commit decisions in one transaction. Where a request id was answered before, the earlier decision
        comes back instead. Raises LedgerUnavailable, and RequestConflict when the id came with another request.
        """

    def decision(self, decision_id: str) -> Decision:
        """One decision; raises UnknownDecision."""

    def find_decisions(self, decision_ids: Sequence[str]) -> list[Decision]:
        """Those of the decisions that are kept, in no order; raises LedgerUnavailable."""

    def answered(self, request_id: str) -> Decision | None:
        """The decision that answered this request id, if any."""

    def past(
        self,
        subscriber_id: str,
        *,
        at: int,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> Past:
        """What counts when a decision is taken at `at` (microseconds), all of it in one look; `budgets` are the most
        connections that offers may have in all. With `upto` (positions of events and of decisions) as it was then,
        without what was left of budgets. Raises LedgerUnavailable.
        """

    def pasts(
        self,
        asked: Sequence[tuple[str, int]],
        *,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> list[Past]:
        """The same of each (subscriber, time) of one or more, all of it in one look."""

    def responses(self, subscriber_id: str, upto: int | None = None) -> list[Response]:
        """Events of one subscriber up to a ledger position, by time."""

    def connections_by_offer(self, upto: int | None = None, *, after: int = 0) -> dict[str, int]:
        """Connections of each offer in all, after one ledger position and up to another."""

    def position(self) -> int:
        """Position of the newest event; 0 for an empty ledger."""

    def events(self, after: int = 0, columns: Sequence[str] | None = None) -> pa.Table:
        """Events after a position by position: `seq` and the fields of `Event`, or those of them that are named."""

    def arrived(self, after: int, limit: int) -> pa.Table:
        """The next events after a position, at most `limit`: `seq`, the fields of `Event`, and `recorded_at`, which is
        the same for events that were committed together (microseconds); by position.
        """

    def decided(self, decision_ids: Sequence[str]) -> pa.Table:
        """`decision_id`, `placement` and `model_version` of those of some decisions that are kept, in no order."""

    def decision_contexts(self) -> pa.Table:
        """What every decision was asked with, by decision_id: `decision_id`, `decided_at`, `placement`, and as a map
        `context` those of its values that are numbers.
        """

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions from one time to before another (microseconds), counted by UTC day number, model, fallback and
        whether they explored: columns day, model, fallback, explored, decisions, in that order.
        """

    def latest_decisions(self, offset: int, limit: int) -> tuple[int, list[Decision]]:
        """Number of decisions kept, and a page of them, the newest first (then by id)."""

    def decisions_count(self) -> int:
        """Number of decisions kept."""

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of decisions that explored, and of all decisions; other impressions belong to neither."""

    def prune_decisions(self, before: int) -> int:
        """Remove the decisions of months (UTC) before this month number; returns how many. Events stay as they are."""

    def person(self, subscriber_id: str) -> tuple[pa.Table, list[Decision]]:
        """All events (`seq` and the fields of `Event`) and all decisions of one subscriber, in order of time."""

    def erase(self, subscriber_id: str, alias: str) -> tuple[int, int]:
        """Let events of a subscriber go on under another name, so that no count changes, and remove its decisions;
        returns how many of both.
        """


class LearningLog(Protocol):
    """The part of the ledger that models learn from and are judged by, without who opted out of personalisation."""

    def events(self, after: int = 0) -> pa.Table:
        """Events after a position; see `Ledger.events`."""

    def decision_contexts(self) -> pa.Table:
        """What decisions were asked with; see `Ledger.decision_contexts`."""

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions counted, of everybody; see `Ledger.decision_tally`."""

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of everybody; see `Ledger.explored_impressions`."""
