"""Who may pass: API keys and their scopes."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from mia.errors import MissingScope, UnknownKey
from mia.ports import ApiKey, Keys
from mia.timeline import MICROSECONDS

OFFERS, EVENTS, UPTAKE, ADMIN = "offers", "events", "uptake", "admin"
REMEMBERED_FOR = 5 * MICROSECONDS
REMEMBERED_KEYS = 1_024

_bearer = HTTPBearer(auto_error=False, bearerFormat="mia_...", description="`Authorization: Bearer mia_...`")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="the same key without the word Bearer")


class Access:
    """Checks keys; remembers a look-up for five seconds, which is how long a revoked key may still pass.

    Only digests of secrets are remembered.
    """

    def __init__(self, keys: Keys, clock: Callable[[], int]) -> None:
        self._keys, self._clock = keys, clock
        self._found: dict[bytes, tuple[ApiKey | None, int]] = {}

    def require(self, scope: str) -> Callable[..., Awaitable[None]]:
        """A dependency that lets only keys with this scope (or `admin`) pass."""

        async def check(
            bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
            header: Annotated[str | None, Security(_header)],
        ) -> None:
            await self._let_in(bearer.credentials if bearer is not None else header, scope)

        return check

    async def admit(self, request: Request, scope: str) -> None:
        """The same for a request that no dependency was resolved of; raises UnknownKey and MissingScope."""
        bearer = await _bearer(request)
        await self._let_in(bearer.credentials if bearer is not None else await _header(request), scope)

    async def _let_in(self, secret: str | None, scope: str) -> None:
        if not secret:
            raise UnknownKey("a key is needed: Authorization: Bearer mia_... or X-API-Key")
        key = await self._find(secret)
        if key is None:
            raise UnknownKey("this key is not known, or was revoked")
        if scope not in key.scopes and ADMIN not in key.scopes:
            raise MissingScope(scope)

    async def _find(self, secret: str) -> ApiKey | None:
        digest = sha256(secret.encode("utf-8", "surrogatepass")).digest()
        key, until = self._found.get(digest, (None, 0))
        now = self._clock()
        if now < until:
            return key
        key = await asyncio.to_thread(self._keys.find, secret)
        if len(self._found) >= REMEMBERED_KEYS:
            self._found.clear()
        self._found[digest] = (key, now + REMEMBERED_FOR)
        return key
