"""Events: what subscribers did with their offers."""

import orjson
from fastapi import APIRouter, Depends, Request, Response

from mia.api import access
from mia.api.access import Access
from mia.api.problems import problem_response, problem_responses
from mia.api.recording import CONFLICT, Recording
from mia.api.wire import EventsAnswer, EventsBody
from mia.logs import exchange_of


def event_routes(door: Access, recording: Recording) -> APIRouter:
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
        taken = await recording.take(body.events, exchange)
        conflicts = sum(one["reason"] == CONFLICT for one in taken["rejected"])
        if conflicts and conflicts == len(body.events):
            return problem_response(409, "event-conflict", CONFLICT, members=taken)
        return Response(orjson.dumps(taken), media_type="application/json")

    return router
