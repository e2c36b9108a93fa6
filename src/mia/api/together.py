"""Decisions of requests that wait at the same time, taken together: what they have in common is done once.

There is no timer: a request that finds nobody deciding is decided at once, and alone. Under load requests arrive while
others are decided, and the groups grow by themselves.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from time import perf_counter

from mia.api.services import Decisions
from mia.domain.decision import DecisionRequest
from mia.errors import Overloaded
from mia.ports import Proposal

CAPACITY = 1_024


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal, and the share of the time that deciding took, in seconds."""

    proposal: Proposal
    share: float


class Together:
    """The requests that wait for their decision, in one event loop; more than `capacity` are Overloaded."""

    def __init__(self, decisions: Decisions, capacity: int = CAPACITY) -> None:
        self._decisions, self._capacity = decisions, capacity
        self._waiting: deque[tuple[DecisionRequest, asyncio.Future[Proposed]]] = deque()

    def propose(self, request: DecisionRequest) -> "asyncio.Future[Proposed]":
        """The decision on a request, which is then to be committed; raises Overloaded, at once, when too many wait."""
        if len(self._waiting) >= self._capacity:
            raise Overloaded("too many requests wait for their decision")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Proposed] = loop.create_future()
        self._waiting.append((request, future))
        if len(self._waiting) == 1:
            # Behind whatever is ready by now: requests that have been read meanwhile come along.
            loop.call_soon(self._decide)
        return future

    def _decide(self) -> None:
        most = self._decisions.together
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._decide)
        # Who gave up waiting is not decided.
        asked = [(request, future) for request, future in taken if not future.done()]
        if not asked:
            return
        begun = perf_counter()
        found = self._decisions.propose([request for request, _ in asked])
        share = (perf_counter() - begun) / len(asked)
        for (_, future), proposal in zip(asked, found, strict=True):
            if isinstance(proposal, Exception):
                future.set_exception(proposal)
            else:
                future.set_result(Proposed(proposal, share))
