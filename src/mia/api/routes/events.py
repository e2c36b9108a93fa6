"""Events: what subscribers did with their offers."""

import asyncio

import orjson
from fastapi import APIRouter, Depends, Response

from mia.api import access
from mia.api.access import Access
from mia.api.metrics import Metrics
from mia.api.problems import problem_responses
from mia.api.services import Services
from mia.api.wire import EventsAnswer, EventsBody
from mia.domain.decision import Rule
from mia.domain.event import Event, Outcome
from mia.services.record import Rejected


def event_routes(services: Services, door: Access, metrics: Metrics) -> APIRouter:
    """Routes under /v1/events."""
    router = APIRouter(tags=["events"])

    @router.post(
        "/v1/events",
        summary="Record what subscribers did",
        response_model=EventsAnswer,
        responses=problem_responses(401, 403, 413, 422, 503),
        dependencies=[Depends(door.require(access.EVENTS))],
    )
    async def record(body: EventsBody) -> Response:
        """Answered after the commit. An id counts once; an event that cannot be read does not sink the others."""
        events, rejected = await asyncio.to_thread(services.recorder.prepare, body.events)
        outcomes: list[Outcome] = []
        if events:
            outcomes = await asyncio.shield(asyncio.wrap_future(services.writer.submit_events(events)))
        metrics.count_events(events, outcomes, len(rejected))
        return Response(_encode(events, outcomes, rejected), media_type="application/json")

    return router


def _encode(events: list[Event], outcomes: list[Outcome], rejected: list[Rejected]) -> bytes:
    ids: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for event, outcome in zip(events, outcomes, strict=True):
        ids[outcome].append(event.event_id)
    refused = [{"event_id": item.event_id, "reason": item.reason} for item in rejected]
    refused += [
        {"event_id": event_id, "reason": "conflict: this id was recorded with another content"}
        for event_id in ids[Outcome.CONFLICT]
    ]
    refused += [
        {"event_id": event_id, "reason": f"{Rule.TOTAL_LIMIT}: nothing is left of what the offer may have in all"}
        for event_id in ids[Outcome.OVER_BUDGET]
    ]
    return orjson.dumps(
        {"accepted": ids[Outcome.ACCEPTED], "duplicate": ids[Outcome.DUPLICATE], "rejected": refused},
    )
