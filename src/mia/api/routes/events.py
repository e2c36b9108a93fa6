"""Events: what subscribers did with their offers."""

import asyncio

import orjson
from fastapi import APIRouter, Depends, Request, Response

from mia.api import access
from mia.api.access import Access
from mia.api.metrics import Metrics
from mia.api.problems import problem_response, problem_responses
from mia.api.services import Services
from mia.api.wire import EventsAnswer, EventsBody
from mia.domain.event import Event, Outcome
from mia.logs import exchange_of
from mia.services.record import Rejected

CONFLICT = "conflict: this id was recorded with another content"


def event_routes(services: Services, door: Access, metrics: Metrics) -> APIRouter:
    """Routes under /v1/events."""
    router = APIRouter(tags=["events"])

    @router.post(
        "/v1/events",
        summary="Record what subscribers did",
        response_model=EventsAnswer,
        responses=problem_responses(401, 403, 408, 409, 413, 422, 429, 503),
        dependencies=[Depends(door.require(access.EVENTS))],
    )
    async def record(body: EventsBody, http: Request) -> Response:
        """Answered after the commit. An id counts once; an event that cannot be read does not sink the others.

        Where every event was recorded before with another content, the answer is a 409 that says so of each.
        """
        exchange = exchange_of(http.scope)
        exchange.hidden = body.events
        exchange.mark("read")
        events, rejected = await asyncio.to_thread(services.recorder.prepare, body.events)
        exchange.mark("prepare")
        outcomes: list[Outcome] = []
        if events:
            outcomes = await asyncio.shield(asyncio.wrap_future(services.writer.submit_events(events)))
        exchange.mark("commit")
        metrics.count_events(events, outcomes, len(rejected))
        if not rejected and all(outcome is Outcome.CONFLICT for outcome in outcomes):
            return _conflict(events)
        return Response(_encode(events, outcomes, rejected), media_type="application/json")

    return router


def _conflict(events: list[Event]) -> Response:
    """The problem document of a request in which nothing could stand, with the members of any other answer."""
    refused = [{"event_id": event.event_id, "reason": CONFLICT} for event in events]
    return problem_response(
        409,
        "event-conflict",
        CONFLICT,
        members={"accepted": [], "duplicate": [], "rejected": refused},
    )


def _encode(events: list[Event], outcomes: list[Outcome], rejected: list[Rejected]) -> bytes:
    ids: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for event, outcome in zip(events, outcomes, strict=True):
        ids[outcome].append(event.event_id)
    refused = [{"event_id": item.event_id, "reason": item.reason} for item in rejected]
    refused += [{"event_id": event_id, "reason": CONFLICT} for event_id in ids[Outcome.CONFLICT]]
    return orjson.dumps(
        {"accepted": ids[Outcome.ACCEPTED], "duplicate": ids[Outcome.DUPLICATE], "rejected": refused},
    )
