"""How one shows who one is, as the OpenAPI document tells it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.openapi import models
from fastapi.security.base import SecurityBase
from starlette.types import Scope

from mia.api.access.caller import Caller

SESSION_COOKIE = "mia_session"
KEY, SESSION = "HTTPBearer", "APIKeyCookie"
_BEARER = models.HTTPBearer(
    bearerFormat="mia_... or JWT", description="`Authorization: Bearer mia_...`, or an OAuth 2 token"
)
_HEADER = models.APIKey.model_validate(
    {"in": models.APIKeyIn.header, "name": "X-API-Key", "description": "the same key without the word Bearer"}
)
_COOKIE = models.APIKey.model_validate(
    {"in": models.APIKeyIn.cookie, "name": SESSION_COOKIE, "description": "the session of /dashboard/login"}
)
_MODELS = {KEY: _BEARER, "APIKeyHeader": _HEADER, SESSION: _COOKIE}
_WAYS = {KEY: (KEY, "APIKeyHeader"), SESSION: (SESSION, KEY, "APIKeyHeader")}


class Requirement(SecurityBase):
    """What a route asks of its caller, as its one dependency: each further one would cost a request as much again.

    `scheme` is KEY or SESSION; the document names the other ways beside it (`describe_ways`).
    """

    def __init__(self, admit: Callable[[Scope, str], Awaitable[Caller]], needed: str, scheme: str) -> None:
        self.scheme_name, self.model = scheme, _MODELS[scheme]
        self._admit, self._needed = admit, needed

    async def __call__(self, request: Request) -> None:
        """Let the caller pass, or raise why not."""
        await self._admit(request.scope, self._needed)


def describe_ways(document: dict[str, Any]) -> None:
    """Name every way to pass wherever an OpenAPI document names one."""
    components = document["components"].setdefault("securitySchemes", {})
    for name, model in _MODELS.items():
        components[name] = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    for operations in document["paths"].values():
        for operation in operations.values():
            if "security" in operation:
                (named,) = operation["security"]
                operation["security"] = [{way: []} for way in _WAYS[next(iter(named))]]
