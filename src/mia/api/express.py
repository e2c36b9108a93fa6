"""A route that takes well-formed requests the short way, and leaves all others to the framework.

What is asked often and well is read and answered without the framework's search for parameters. Whatever cannot be read
so goes the usual way, which says what is wrong; the OpenAPI document knows only that one.
"""

import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

Body = TypeVar("Body", bound=BaseModel)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
JSON = "application/json"


def express_route(kind: type[Body], answer: Callable[[Request, Body], Awaitable[Response]]) -> type[APIRoute]:
    """A kind of route whose POST requests with a JSON body of a kind are answered by `answer`, which lets the caller in
    and raises the errors that the route itself would.
    """

    class Express(APIRoute):
        def get_route_handler(self) -> Handler:
            usual = super().get_route_handler()
            if self.methods != {"POST"}:
                return usual

            async def handle(request: Request) -> Response:
                body = await _read(request, kind)
                return await usual(request) if body is None else await answer(request, body)

            return handle

    return Express


async def _read(request: Request, kind: type[Body]) -> Body | None:
    """The body of a request that is well formed; the bytes of any other are kept for who looks closer."""
    sort = request.headers.get("content-type", "")
    if sort != JSON and not sort.startswith(f"{JSON};"):
        return None
    try:
        # The framework's own reader, so that both ways take the same texts for the same values.
        return kind.model_validate(json.loads(await request.body()))
    except (ValidationError, ValueError, RecursionError, ClientDisconnect):
        return None
