"""Events: what subscribers did with their offers."""

import orjson
from fastapi import APIRouter, Depends, Request, Response
from starlette.types import Scope

from mia.api import access
from mia.api.access import Access
from mia.api.express import Lane
from mia.api.problems import problem_response, problem_responses
from mia.api.recording import CONFLICT, Recording
from mia.api.wire import EventsAnswer, EventsBody
from mia.logs import Exchange, exchange_of

EVENTS = "/v1/events"


def event_routes(door: Access, recording: Recording) -> tuple[APIRouter, Lane[EventsBody]]:
    """Routes under /v1/events, and the short way for events."""

    async def answer(body: EventsBody, exchange: Exchange) -> Response:
        exchange.hidden = body.events
        exchange.mark("read")
        taken = await recording.take(body.events, exchange)
        conflicts = sum(one["reason"] == CONFLICT for one in taken["rejected"])
        if conflicts and conflicts == len(body.events):
            return problem_response(409, "event-conflict", CONFLICT, members=taken)
        return Response(orjson.dumps(taken), media_type="application/json")

    async def express(scope: Scope, body: EventsBody) -> Response:
        await door.admit(scope, access.EVENTS)
        return await answer(body, exchange_of(scope))

    router = APIRouter(tags=["events"])

    @router.post(
        EVENTS,
        summary="Record what subscribers did",
        response_model=EventsAnswer,
        responses=problem_responses(401, 403, 408, 409, 413, 422, 429, 503),
        dependencies=[Depends(door.require(access.EVENTS))],
    )
    async def record(body: EventsBody, http: Request) -> Response:
        """Answered after the commit. An id counts once; an event that cannot be read does not sink the others.

        Where every event was recorded before with another content, the answer is a 409 that says so of each.
        """
        return await answer(body, exchange_of(http.scope))

    return router, Lane(EVENTS, EventsBody, express)
