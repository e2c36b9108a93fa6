"""Events: what subscribers did with their offers."""

import orjson
from fastapi import APIRouter, Depends, Response

from mia.api import access
from mia.api.access import Access
from mia.api.problems import problem_responses
from mia.api.recording import Recording
from mia.api.wire import EventsAnswer, EventsBody


def event_routes(door: Access, recording: Recording) -> APIRouter:
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
        return Response(orjson.dumps(await recording.take(body.events)), media_type="application/json")

    return router
