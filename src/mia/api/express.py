"""Lanes in front of the framework: well-formed requests of what is asked often are answered without it.

Whatever cannot be read goes the usual way, which says what is wrong; the OpenAPI document knows only that one.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Response
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia.api.problems import error_response
from mia.errors import MiaError

Body = TypeVar("Body", bound=BaseModel)
JSON = b"application/json"


@dataclass(frozen=True, slots=True)
class Lane(Generic[Body]):
    """POST requests to `path` whose JSON body is of a `kind`: `answer` lets the caller in, and raises the errors that
    the route itself would.
    """

    path: str
    kind: type[Body]
    answer: Callable[[Scope, Body], Awaitable[Response]]


class Express:
    """ASGI middleware next to the routes."""

    def __init__(self, app: ASGIApp, lanes: Iterable[Lane[Any]]) -> None:
        self._app = app
        self._lanes = {lane.path: lane for lane in lanes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        lane = self._lanes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if lane is None or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        arrived = _Arrived(receive)
        body = _read(await arrived.everything(), lane.kind)
        if body is None:
            await self._app(scope, arrived.again, send)
            return
        # Where metrics and log lines look for the pattern of the address.
        scope["route"] = lane
        try:
            response = await lane.answer(scope, body)
        except MiaError as error:
            response = error_response(error)
        await response(scope, arrived.again, send)


class _Arrived:
    """What a client sent, kept for who looks closer."""

    __slots__ = ("_behind", "_failure", "_kept", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: Message | None = None
        self._behind: Message | None = None
        self._failure: HTTPException | None = None

    async def everything(self) -> bytes | None:
        """The body, None where it did not come whole."""
        body, more = bytearray(), True
        try:
            while more:
                message = await self._receive()
                if message["type"] != "http.request":
                    self._behind = message
                    break
                body += message.get("body", b"")
                more = message.get("more_body", False)
        except HTTPException as failure:
            self._failure = failure
        whole = bytes(body)
        self._kept = {"type": "http.request", "body": whole, "more_body": more}
        return None if more else whole

    async def again(self) -> Message:
        """The same once more, in one piece, and then what came or comes after it."""
        message, self._kept = self._kept, None
        if message is None:
            message, self._behind = self._behind, None
        if message is not None:
            return message
        if self._failure is not None:
            raise self._failure
        return await self._receive()


def _is_json(scope: Scope) -> bool:
    sort = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return bool(sort == JSON or sort.startswith(JSON + b";"))


def _read(text: bytes | None, kind: type[Body]) -> Body | None:
    """A well-formed body, None for any other."""
    if text is None:
        return None
    try:
        # The framework's own reader, so that both ways take the same texts for the same values.
        return kind.model_validate(json.loads(text))
    except (ValidationError, ValueError, RecursionError):
        return None
