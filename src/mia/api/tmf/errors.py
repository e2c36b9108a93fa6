"""Errors of the face in the form of the standard: every problem document that leaves it is said again in its words."""

from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia.api.problems import MEDIA_TYPE
from mia.api.tmf.paths import BASE
from mia.api.tmf.wire import TmfError

_STATUS = {422: 400}
"""The standard knows no 422: what cannot be read is a 400."""


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route of the face, for the OpenAPI document; any other error has the same form."""
    named: dict[int | str, dict[str, Any]] = {status: {"model": TmfError} for status in sorted(statuses)}
    return named | {"default": {"model": TmfError, "description": "Any other error"}}


class TmfErrors:
    """ASGI middleware around everything else, so that also what never reaches a route is said in the same form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one exchange on."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{BASE}/"):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def send_translated(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
            elif start is None or message["type"] != "http.response.body":
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    content = _translate(bytes(body))
                    headers = MutableHeaders(raw=start["headers"])
                    headers["content-type"], headers["content-length"] = "application/json", str(len(content))
                    status = _STATUS.get(start["status"], start["status"])
                    await send({**start, "status": status, "headers": headers.raw})
                    await send({"type": "http.response.body", "body": content})

        await self._app(scope, receive, send_translated)


def _is_problem(message: Message) -> bool:
    return any(name == b"content-type" and value == MEDIA_TYPE.encode() for name, value in message["headers"])


def _translate(document: bytes) -> bytes:
    problem = orjson.loads(document)
    status = _STATUS.get(problem["status"], problem["status"])
    return orjson.dumps(
        {
            "code": problem["type"].rpartition(":")[2],
            "reason": "Bad Request" if status != problem["status"] else problem["title"],
            "message": problem["detail"],
            "status": str(status),
            "referenceError": problem["type"],
            "@type": "Error",
        }
    )
