"""Group commit: one writer thread commits what many callers hand in, and answers them after the commit.

The writer takes whatever waits, up to `GROUP` events and decisions, and commits it at once. Under light load a
commit holds one submission; under heavy load the groups grow by themselves while the previous commit is on its way
to the disk. There is no timer, so nobody waits for company.

While the ledger is away, what is handed in goes into a shelter on the local disk, and from there to the ledger when it
is back.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice

from mia.domain.event import Event, EventKind, Outcome
from mia.domain.following import is_unfinished
from mia.errors import LedgerUnavailable, Overloaded
from mia.ports import NO_BUDGETS, Proposal
from mia.storage.ledger.shelter import Receiver, Shelter
from mia.storage.ledger.submissions import Answered, EventBatch, ProposalBatch, Submission

GROUP = 2_048
PATIENCE = 5.0
RETRY = 1.0
"""Seconds after which a ledger that was away is tried again, and files left behind are looked for."""
log = logging.getLogger(__name__)


class GroupCommit:
    """The writer. `capacity` requests may wait for `patience` seconds; more, and older ones, are Overloaded.

    `budgets` tells the most connections that offers may have in all, `clock` gives seconds.
    """

    def __init__(
        self,
        ledger: Receiver,
        capacity: int = 4_096,
        *,
        patience: float = PATIENCE,
        shelter: Shelter | None = None,
        budgets: Callable[[], Mapping[str, int]] = lambda: NO_BUDGETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._shelter, self._budgets = ledger, shelter, budgets
        self._patience, self._clock = patience, clock
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._capacity, self._waiting = capacity, 0
        self._again: list[Submission] = []
        self._away_until = self._look_at = clock()
        self._busy_since: float | None = None
        self._open = True
        self._gate = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return self._waiting

    @property
    def is_away(self) -> bool:
        """Whether the ledger could not be used when it was last tried."""
        return self._clock() < self._away_until

    def submit_events(self, events: Sequence[Event]) -> "Future[list[Outcome]]":
        """Outcomes of the events, in order, once they are committed or sheltered. Raises Overloaded when the queue is
        full and LedgerUnavailable when it is closed; the future raises what the commit raised.
        """
        batch = EventBatch(tuple(events), self._clock())
        self._submit(batch)
        return batch.future

    def submit(self, proposals: Sequence[Proposal], answered: Answered) -> None:
        """Store decisions that were taken together. `answered` gets, for each by its place, the decision that stands
        once it is committed (this one, one taken anew because this was overtaken, or an earlier one with the same
        request id), or why there is none. The fallback of a decision tells when it could only be sheltered.

        Raises Overloaded when the queue is full and LedgerUnavailable when it is closed.
        """
        self._submit(ProposalBatch(proposals, range(len(proposals)), self._clock(), answered))

    def close(self) -> None:
        """Commit everything that was taken, then stop; later submissions are refused."""
        with self._gate:
            was_open, self._open = self._open, False
        if was_open:
            self._queue.put(None)
        self._thread.join()

    def _submit(self, item: Submission) -> None:
        # Under the gate, so that nothing can slip in behind the end mark and wait for ever.
        with self._gate:
            if not self._open:
                raise LedgerUnavailable("the ledger writer is closed")
            if self._busy_since is not None and self._busy_since < item.since - self._patience:
                raise Overloaded("a commit takes longer than anybody would wait")
            if self._waiting >= self._capacity:
                raise Overloaded("its queue is full")
            self._waiting += item.requests
            self._queue.put(item)

    def _run(self) -> None:
        more = True
        while more or self._again:
            group, more = self._take(more)
            # A caller that gave up before its turn is left out; from here on nobody can give up any more.
            live = [item for item in group if item.begin()]
            late = self._clock() - self._patience
            _fail([item for item in live if item.since < late], Overloaded("this waited for too long"))
            fresh = [item for item in live if item.since >= late]
            if fresh:
                self._busy_since = self._clock()
                self._commit(fresh)
                self._busy_since = None
            self._deliver()
        if self._shelter is not None:
            self._shelter.close()

    def _take(self, more: bool) -> tuple[list[Submission], bool]:
        group, self._again = self._again, []
        size = sum(item.size for item in group)
        while more and size < GROUP:
            try:
                item = self._queue.get_nowait() if group else self._queue.get(timeout=RETRY)
            except queue.Empty:
                break
            if item is None:
                return group, False
            with self._gate:
                self._waiting -= item.requests
            group.append(item)
            size += item.size
        return group, more

    def _commit(self, group: list[Submission]) -> None:
        if self._shelter is not None and self.is_away:
            self._keep(group, LedgerUnavailable("the ledger was away a moment ago"))
            return
        batches = [item for item in group if isinstance(item, EventBatch)]
        decided = [item for item in group if isinstance(item, ProposalBatch)]
        try:
            outcomes, answers = self._ledger.commit(
                [self._finished(item.events) for item in batches],
                [proposal for item in decided for proposal in item.proposals],
                self._budgets(),
            )
        except LedgerUnavailable as error:
            self._away_until = self._clock() + RETRY
            log.exception("the ledger cannot be used")
            self._keep(group, error)
        except Exception as error:
            # Whatever it is, its caller must get it, and the writer must live on.
            parts = _parts(group)
            if len(parts) == 1:
                _fail(parts, error)
            else:
                # One of them cannot be stored; alone, only that one fails.
                for part in parts:
                    self._commit([part])
        else:
            for batch, outcome in zip(batches, outcomes, strict=True):
                batch.future.set_result(outcome)
            rest = iter(answers)
            left = [item.answer(list(islice(rest, item.size))) for item in decided]
            self._again += [item for item in left if item is not None]

    def _finished(self, events: Sequence[Event]) -> Sequence[Event]:
        if self._shelter is None or not any(map(is_unfinished, events)):
            return events
        return self._shelter.finish(self._ledger, events)

    def _keep(self, group: list[Submission], error: LedgerUnavailable) -> None:
        """Take work into the shelter; one that finds no room spoils no neighbour."""
        if self._shelter is None:
            _fail(group, error)
            return
        kept: list[tuple[Submission, Callable[[], object]]] = []
        for part in _parts(group):
            try:
                kept.append((part, self._sheltered(self._shelter, part)))
            except Exception as problem:
                # As above: the caller's, whatever it is.
                part.fail(problem)
        try:
            self._shelter.sync()
        except LedgerUnavailable as problem:
            _fail([part for part, _ in kept], problem)
        else:
            for _, tell in kept:
                tell()

    def _sheltered(self, shelter: Shelter, part: Submission) -> Callable[[], object]:
        """Take in what may fail by itself; how to tell its caller."""
        if isinstance(part, ProposalBatch):
            return partial(part.answer, [shelter.keep_decision(proposal) for proposal in part.proposals])
        budgets = self._budgets()
        if any(one.kind is EventKind.CONNECTION and one.offer_id in budgets for one in part.events):
            raise LedgerUnavailable("nothing tells what is left of a budget while the ledger is away")
        return partial(part.future.set_result, shelter.keep_events(part.events))

    def _deliver(self) -> None:
        """Hand on some of what is sheltered; where nothing is, look again only after a while."""
        if self._shelter is None or self.is_away or self._clock() < self._look_at:
            return
        try:
            if not self._shelter.deliver(self._ledger):
                self._look_at = self._clock() + RETRY
        except LedgerUnavailable:
            self._away_until = self._clock() + RETRY
        except Exception:
            self._look_at = self._clock() + RETRY
            log.exception("what is in the spool could not be delivered; it stays there")


def _parts(group: Sequence[Submission]) -> list[Submission]:
    return [part for item in group for part in item.parts()]


def _fail(group: Sequence[Submission], error: Exception) -> None:
    for item in group:
        item.fail(error)
