"""Requests that wait together are decided together; nobody waits for company."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from threading import Thread
from typing import Any

import pytest
from tests.fakes.door import NOON_JULY_FIRST, FakeDecisions
from tests.fakes.ledger import FakeLedger

from mia.api.together import Stood, Together
from mia.domain.decision import Decision, DecisionRequest, Fallback
from mia.errors import LedgerUnavailable, Overloaded, RequestConflict
from mia.logs import Exchange
from mia.ports import Proposal


class Noting(FakeDecisions):
    """Notes who was decided together; `bad` cannot be."""

    together = 3

    def __init__(self) -> None:
        super().__init__(FakeLedger())
        self.groups: list[list[str]] = []

    def propose(self, requests: Sequence[DecisionRequest]) -> list[Proposal | Exception]:
        self.groups.append([one.subscriber_id for one in requests])
        found = super().propose(requests)
        return [
            ValueError("bad") if request.subscriber_id == "bad" else one
            for request, one in zip(requests, found, strict=True)
        ]


Answers = Sequence[tuple[int, Decision | Exception]]


class NotingWriter:
    """Answers what it is given out of order, in a thread of its own; `refused` and `conflict` are not stored."""

    waiting = 0

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def submit(self, proposals: Sequence[Proposal], answered: Callable[[Answers], None]) -> None:
        self.sizes.append(len(proposals))
        found = [(place, self._stand(proposal.decision)) for place, proposal in enumerate(proposals)]
        Thread(target=lambda: (answered(found[1:]), answered(found[:1]))).start()

    def submit_events(self, events: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _stand(decision: Decision) -> Decision | Exception:
        name = decision.request.subscriber_id
        if name == "refused":
            return LedgerUnavailable("the disk is full")
        return RequestConflict("r1") if name == "conflict" else decision


def ask(together: Together, name: str) -> "asyncio.Future[Stood]":
    return together.take(DecisionRequest(name, "app", NOON_JULY_FIRST), Exchange("r1"))


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_lone_request_waits_for_nobody() -> None:
    decisions, writer = Noting(), NotingWriter()
    together = Together(decisions, writer)

    async def work() -> None:
        for name in ("s1", "s2"):
            assert (await ask(together, name)).decision.request.subscriber_id == name

    run(work)
    assert decisions.groups == [["s1"], ["s2"]]
    assert writer.sizes == [1, 1]


def test_those_that_wait_go_together_as_many_as_are_worth_it() -> None:
    decisions, writer = Noting(), NotingWriter()
    together = Together(decisions, writer)

    async def work() -> None:
        found = await asyncio.gather(*(ask(together, f"s{number}") for number in range(7)))
        assert [one.decision.request.subscriber_id for one in found] == [f"s{number}" for number in range(7)]

    run(work)
    assert decisions.groups == [["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6"]]
    assert writer.sizes == [3, 3, 1]


def test_one_that_fails_and_one_that_gave_up_take_nobody_along() -> None:
    decisions, writer = Noting(), NotingWriter()
    together = Together(decisions, writer)

    async def work() -> None:
        first, bad, gone = (ask(together, name) for name in ("s1", "bad", "s2"))
        gone.cancel()
        with pytest.raises(ValueError, match="bad"):
            await bad
        assert (await first).decision.request.subscriber_id == "s1"

    run(work)
    assert decisions.groups == [["s1", "bad"]]
    assert writer.sizes == [1]


def test_each_gets_what_became_of_its_own() -> None:
    together = Together(Noting(), NotingWriter())

    async def work() -> None:
        stored, refused, conflict = (ask(together, name) for name in ("s1", "refused", "conflict"))
        assert (await stored).missed is None
        found, missed = await refused
        assert (found.fallback, str(missed)) == (Fallback.NOT_STORED, "the disk is full")
        with pytest.raises(RequestConflict):
            await conflict

    run(work)


def test_the_time_of_a_group_is_told_of_each_by_its_share() -> None:
    together, exchange = Together(Noting(), NotingWriter()), Exchange("r1")

    async def work() -> None:
        await together.take(DecisionRequest("s1", "app", NOON_JULY_FIRST), exchange)

    run(work)
    assert [name for name, _ in exchange.stages] == ["wait", "decide"]


def test_more_than_may_wait_are_turned_away_at_once() -> None:
    together = Together(Noting(), NotingWriter(), capacity=2)

    async def work() -> None:
        waiting = [ask(together, "s1"), ask(together, "s2")]
        with pytest.raises(Overloaded):
            ask(together, "s3")
        await asyncio.gather(*waiting)
        await ask(together, "s3")

    run(work)
