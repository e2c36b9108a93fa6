"""Group commit: one writer thread commits what many callers hand in, and answers them after the commit.

The writer takes whatever waits, up to `GROUP` events and decisions, and commits it at once. Under light load a
commit holds one submission; under heavy load the groups grow by themselves while the previous commit is on its way
to the disk. There is no timer, so nobody waits for company.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome
from mia.errors import LedgerUnavailable, MiaError

GROUP = 512


class Committer(Protocol):
    """A ledger that can commit the work of many callers in one transaction."""

    def commit(
        self, batches: Sequence[Sequence[Event]], decisions: Sequence[Decision]
    ) -> tuple[list[list[Outcome]], list[Decision | MiaError]]:
        """Commit all; one list of outcomes for each batch, one answer for each decision."""


@dataclass(frozen=True, slots=True)
class _Events:
    events: Sequence[Event]
    future: "Future[list[Outcome]]"

    @property
    def size(self) -> int:
        return len(self.events)


@dataclass(frozen=True, slots=True)
class _Decision:
    decision: Decision
    future: "Future[Decision]"

    @property
    def size(self) -> int:
        return 1


_Item = _Events | _Decision


class GroupCommit:
    """The writer. `capacity` submissions may wait; more are refused at once with LedgerUnavailable."""

    def __init__(self, ledger: Committer, capacity: int = 4_096) -> None:
        self._ledger = ledger
        self._queue: queue.Queue[_Item | None] = queue.Queue(capacity)
        self._open = True
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Submissions that wait for a commit."""
        return self._queue.qsize()

    def submit_events(self, events: Sequence[Event]) -> "Future[list[Outcome]]":
        """Outcomes of the events, in order, once they are committed. Raises LedgerUnavailable when the queue is full
        or closed; the future raises what the commit raised.
        """
        future: Future[list[Outcome]] = Future()
        self._submit(_Events(tuple(events), future))
        return future

    def submit_decision(self, decision: Decision) -> "Future[Decision]":
        """The decision that stands once it is committed: this one, or an earlier one with the same request id.

        Raises LedgerUnavailable when the queue is full or closed; the future raises RequestConflict and what the
        commit raised.
        """
        future: Future[Decision] = Future()
        self._submit(_Decision(decision, future))
        return future

    def close(self) -> None:
        """Commit everything that was taken, then stop; later submissions are refused."""
        with self._gate:
            was_open, self._open = self._open, False
        if was_open:
            self._queue.put(None)
        self._thread.join()

    def _submit(self, item: _Item) -> None:
        # Under the gate, so that nothing can slip in behind the end mark and wait for ever.
        with self._gate:
            if not self._open:
                raise LedgerUnavailable("the ledger writer is closed")
            try:
                self._queue.put_nowait(item)
            except queue.Full:
                raise LedgerUnavailable("the ledger writer is overloaded: its queue is full") from None

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._take()
            # A caller that gave up before its turn is left out; from here on nobody can give up any more.
            live = [item for item in group if item.future.set_running_or_notify_cancel()]
            if live:
                self._commit(live)

    def _take(self) -> tuple[list[_Item], bool]:
        group: list[_Item] = []
        size = 0
        item = self._queue.get()
        while item is not None:
            group.append(item)
            size += item.size
            if size >= GROUP:
                return group, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Item]) -> None:
        batches = [item for item in group if isinstance(item, _Events)]
        decisions = [item for item in group if isinstance(item, _Decision)]
        try:
            outcomes, answers = self._ledger.commit(
                [item.events for item in batches], [item.decision for item in decisions]
            )
        except LedgerUnavailable as error:
            _fail(group, error)
        except Exception as error:
            # Whatever it is, its caller must get it, and the writer must live on.
            if len(group) == 1:
                _fail(group, error)
            else:
                # One of them cannot be stored; alone, only that one fails.
                for item in group:
                    self._commit([item])
        else:
            for batch, outcome in zip(batches, outcomes, strict=True):
                batch.future.set_result(outcome)
            for asked, answer in zip(decisions, answers, strict=True):
                if isinstance(answer, MiaError):
                    asked.future.set_exception(answer)
                else:
                    asked.future.set_result(answer)


def _fail(group: list[_Item], error: Exception) -> None:
    for item in group:
        item.future.set_exception(error)
