"""One way for events into the ledger, for every face of it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from mia.api.metrics import Metrics
from mia.api.services import Services
from mia.domain.decision import Rule
from mia.domain.event import Event, Outcome
from mia.errors import Overloaded
from mia.logs import Exchange
from mia.services.record import Rejected

CAPACITY = 1_024
"""Requests whose events may wait to be completed."""
CONFLICT = "conflict: this id was recorded with another content"


class Recording:
    """Completes events, commits them, and says what became of each.

    One thread completes all of them: it computes more than it waits, and several would only take turns at that.
    """

    def __init__(self, services: Services, metrics: Metrics) -> None:
        self._services, self._metrics = services, metrics
        self._completer, self._waiting = ThreadPoolExecutor(1, "completer"), 0

    def close(self) -> None:
        """Complete what waits, and no more."""
        self._completer.shutdown()

    async def take(self, raw: Sequence[Any], exchange: Exchange) -> dict[str, Any]:
        """Ids accepted, duplicate, and rejected with their reason, after the commit.

        Raises LedgerUnavailable and Overloaded.
        """
        if self._waiting >= CAPACITY:
            raise Overloaded("too many requests wait for their events to be completed")
        # With the context, so that what is logged meanwhile tells the request.
        complete = partial(copy_context().run, self._services.recorder.prepare, raw)
        self._waiting += 1
        try:
            events, rejected = await asyncio.get_running_loop().run_in_executor(self._completer, complete)
        finally:
            self._waiting -= 1
        exchange.mark("prepare")
        outcomes: list[Outcome] = []
        if events:
            outcomes = await asyncio.shield(asyncio.wrap_future(self._services.writer.submit_events(events)))
        exchange.mark("commit")
        self._metrics.count_events(events, outcomes, len(rejected))
        return _sort(events, outcomes, rejected)


def _sort(events: list[Event], outcomes: list[Outcome], rejected: list[Rejected]) -> dict[str, Any]:
    ids: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for event, outcome in zip(events, outcomes, strict=True):
        ids[outcome].append(event.event_id)
    refused = [{"event_id": item.event_id, "reason": item.reason} for item in rejected]
    refused += [{"event_id": event_id, "reason": CONFLICT} for event_id in ids[Outcome.CONFLICT]]
    refused += [
        {"event_id": event_id, "reason": f"{Rule.TOTAL_LIMIT}: nothing is left of what the offer may have in all"}
        for event_id in ids[Outcome.OVER_BUDGET]
    ]
    return {"accepted": ids[Outcome.ACCEPTED], "duplicate": ids[Outcome.DUPLICATE], "rejected": refused}
