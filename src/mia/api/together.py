"""Decisions of requests that wait at the same time, taken and committed together: what they share is done once.

There is no timer: a request that finds nobody deciding is decided at once, and alone. Under load requests arrive while
others are decided, and the groups grow by themselves.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

from mia.api.services import Decisions, Writer
from mia.domain.decision import Decision, DecisionRequest, Fallback
from mia.errors import LedgerUnavailable, Overloaded
from mia.logs import Exchange
from mia.ports import Proposal

CAPACITY = 1_024


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request and who waits for its decision."""

    request: DecisionRequest
    exchange: Exchange
    future: "asyncio.Future[Stood]"


class Stood(NamedTuple):
    """The decision that a caller gets, and why the ledger has it not, if so."""

    decision: Decision
    missed: LedgerUnavailable | None = None


class Together:
    """The requests that wait for their decision, in one event loop; more than `capacity` are Overloaded."""

    def __init__(self, decisions: Decisions, writer: Writer, capacity: int = CAPACITY) -> None:
        self._decisions, self._writer, self._capacity = decisions, writer, capacity
        self._waiting: deque[_Waiting] = deque()

    def take(self, request: DecisionRequest, exchange: Exchange) -> "asyncio.Future[Stood]":
        """The decision on a request as the ledger holds it after the commit; one that the ledger could not take comes
        back as not stored. Raises Overloaded, at once, when too many wait.
        """
        if len(self._waiting) >= self._capacity:
            raise Overloaded("too many requests wait for their decision")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, exchange, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            # Behind whatever is ready by now: requests that have been read meanwhile come along.
            loop.call_soon(self._decide)
        return waiting.future

    def _decide(self) -> None:
        most = self._decisions.together
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._decide)
        # Who gave up waiting is not decided.
        asked = [one for one in taken if not one.future.done()]
        if not asked:
            return
        begun = perf_counter()
        found = self._decisions.propose([one.request for one in asked])
        share = (perf_counter() - begun) / len(asked)
        proposed: list[tuple[_Waiting, Proposal]] = []
        for one, proposal in zip(asked, found, strict=True):
            one.exchange.mark_shared("decide", share, "wait")
            if isinstance(proposal, Exception):
                one.future.set_exception(proposal)
            else:
                proposed.append((one, proposal))
        if proposed:
            self._commit(proposed)

    def _commit(self, proposed: Sequence[tuple[_Waiting, Proposal]]) -> None:
        loop = asyncio.get_running_loop()

        def answered(found: Sequence[tuple[int, Decision | Exception]]) -> None:
            # Once the loop is closed nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, proposed, found)

        try:
            self._writer.submit([proposal for _, proposal in proposed], answered)
        except Exception as error:
            # Whatever it is, those who wait must get it.
            _tell(proposed, [(place, error) for place in range(len(proposed))])


def _tell(proposed: Sequence[tuple[_Waiting, Proposal]], found: Sequence[tuple[int, Decision | Exception]]) -> None:
    """Give those who wait the decisions that stand, or what came in their way."""
    for place, answer in found:
        one, proposal = proposed[place]
        if one.future.done():
            continue
        if isinstance(answer, LedgerUnavailable):
            one.future.set_result(Stood(replace(proposal.decision, fallback=Fallback.NOT_STORED), answer))
        elif isinstance(answer, Exception):
            one.future.set_exception(answer)
        else:
            one.future.set_result(Stood(answer))
