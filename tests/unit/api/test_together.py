"""Requests that wait together are decided together; nobody waits for company."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from tests.fakes.door import NOON_JULY_FIRST, FakeDecisions
from tests.fakes.ledger import FakeLedger

from mia.api.together import Proposed, Together
from mia.domain.decision import DecisionRequest
from mia.errors import Overloaded
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


def ask(together: Together, name: str) -> "asyncio.Future[Proposed]":
    return together.propose(DecisionRequest(name, "app", NOON_JULY_FIRST))


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def test_a_lone_request_waits_for_nobody() -> None:
    decisions = Noting()
    together = Together(decisions)

    async def work() -> None:
        for name in ("s1", "s2"):
            found = await ask(together, name)
            assert found.proposal.decision.request.subscriber_id == name
            assert found.share >= 0

    run(work)
    assert decisions.groups == [["s1"], ["s2"]]


def test_those_that_wait_go_together_as_many_as_are_worth_it() -> None:
    decisions = Noting()
    together = Together(decisions)

    async def work() -> None:
        found = await asyncio.gather(*(ask(together, f"s{number}") for number in range(7)))
        assert [one.proposal.decision.request.subscriber_id for one in found] == [f"s{number}" for number in range(7)]

    run(work)
    assert decisions.groups == [["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6"]]


def test_one_that_fails_and_one_that_gave_up_take_nobody_along() -> None:
    decisions = Noting()
    together = Together(decisions)

    async def work() -> None:
        first, bad, gone = (ask(together, name) for name in ("s1", "bad", "s2"))
        gone.cancel()
        with pytest.raises(ValueError, match="bad"):
            await bad
        assert (await first).proposal.decision.request.subscriber_id == "s1"

    run(work)
    assert decisions.groups == [["s1", "bad"]]


def test_more_than_may_wait_are_turned_away_at_once() -> None:
    together = Together(Noting(), capacity=2)

    async def work() -> None:
        waiting = [ask(together, "s1"), ask(together, "s2")]
        with pytest.raises(Overloaded):
            ask(together, "s3")
        await asyncio.gather(*waiting)
        await ask(together, "s3")

    run(work)
