"""What callers hand in to be committed, and how they get their answers."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome
from mia.errors import MiaError, StaleDecision
from mia.ports import Proposal

Answered = Callable[[Sequence[tuple[int, Decision | Exception]]], None]
"""Takes answers with the places of their proposals, in the writer's thread and as they come; it must not raise."""


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events of one caller, handed in at `since` (seconds), and its future."""

    events: Sequence[Event]
    since: float
    future: "Future[list[Outcome]]" = field(default_factory=Future)

    @property
    def size(self) -> int:
        """Number of events."""
        return len(self.events)

    @property
    def requests(self) -> int:
        """Number of requests that wait for it."""
        return 1

    def begin(self) -> bool:
        """Whether its caller still waits; from now on it cannot give up any more."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def parts(self) -> Sequence["EventBatch"]:
        """What may fail by itself: a batch does as a whole."""
        return [self]

    def fail(self, error: Exception) -> None:
        """Tell the caller what kept it from being stored."""
        self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class ProposalBatch:
    """Proposals that were made together, with their places, and who wants the answers."""

    proposals: Sequence[Proposal]
    places: Sequence[int]
    since: float
    answered: Answered

    @property
    def size(self) -> int:
        """Number of proposals."""
        return len(self.proposals)

    @property
    def requests(self) -> int:
        """Number of requests that wait for it."""
        return self.size

    def begin(self) -> bool:
        """Somebody always waits."""
        return True

    def parts(self) -> Sequence["ProposalBatch"]:
        """What may fail by itself: each proposal."""
        return [self._of([index]) for index in range(self.size)]

    def fail(self, error: Exception) -> None:
        """Tell the callers what kept theirs from being stored."""
        self.answered([(place, error) for place in self.places])

    def answer(self, answers: Sequence[Decision | MiaError]) -> "ProposalBatch | None":
        """Give the callers the answers to all proposals, in order; those that were overtaken come back, to be handed in
        again.
        """
        stale = [index for index, answer in enumerate(answers) if isinstance(answer, StaleDecision)]
        if not stale:
            self.answered(list(zip(self.places, answers, strict=True)))
            return None
        settled = [index for index in range(self.size) if index not in stale]
        if settled:
            self.answered([(self.places[index], answers[index]) for index in settled])
        return self._of(stale)

    def _of(self, indices: Sequence[int]) -> "ProposalBatch":
        proposals, places = [self.proposals[index] for index in indices], [self.places[index] for index in indices]
        return ProposalBatch(proposals, places, self.since, self.answered)


Submission = EventBatch | ProposalBatch
