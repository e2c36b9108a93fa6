"""What surrounds every exchange: its id, limits of bodies, security headers, its line in the log, the last net."""

import logging
import re
from secrets import token_hex

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia.api.access_log import AccessLog
from mia.api.body import Body
from mia.api.metrics import Metrics
from mia.api.problems import internal_problem, too_large_problem
from mia.api.traces import Traces
from mia.logs import Exchange, redact, set_exchange
from mia.sections import DoorSettings

_LOG = logging.getLogger(__name__)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:+/=-]{1,128}")
CONTENT_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load and do, unless its route says otherwise."""
_SECURITY_HEADERS = [
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Envelope:
    """ASGI middleware around the whole application."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, limits: DoorSettings, access_log: AccessLog, traces: Traces | None = None
    ) -> None:
        self._app, self._metrics, self._limits = app, metrics, limits
        self._access_log, self._traces = access_log, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one exchange on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(_request_id(scope))
        set_exchange(exchange, scope)
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _guarded(message.get("headers", ()), scope, exchange)
            await send(message)

        span = None if self._traces is None else self._traces.begin(scope)
        try:
            await self._pass(scope, receive, send_guarded)
        except Exception:
            _LOG.exception("%s %s failed", _method(scope), _route(scope))
            if status:
                raise
            await internal_problem()(scope, receive, send_guarded)
        finally:
            self._tell(scope, exchange, status)
            if self._traces is not None:
                self._traces.end(span, _method(scope), _route(scope), status, exchange)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limits.body_limit
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > limit:
            await too_large_problem(limit)(scope, receive, send)
            return
        await self._app(scope, Body(receive, self._limits).receive, send)

    def _tell(self, scope: Scope, exchange: Exchange, status: int) -> None:
        exchange.mark("rest")
        seconds = sum(took for _, took in exchange.stages)
        method, route = _method(scope), _route(scope)
        self._metrics.observe(method, route, status, seconds, exchange.stages)
        client = scope.get("client")
        self._access_log.note(exchange, method, route, status, seconds, client[0] if client else "")


def _request_id(scope: Scope) -> str:
    """The id that came with the request, where it is one that can be told on; else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return redact(value.decode("ascii"))
    return token_hex(8)


def _guarded(
    headers: list[tuple[bytes, bytes]] | tuple[()], scope: Scope, exchange: Exchange
) -> list[tuple[bytes, bytes]]:
    given = {name for name, _ in headers}
    guarded = [*headers, *(header for header in _SECURITY_HEADERS if header[0] not in given)]
    if scope["scheme"] == "https":
        guarded.append(_STRICT_TRANSPORT)
    guarded.append((b"x-request-id", exchange.request_id.encode()))
    return guarded


def _method(scope: Scope) -> str:
    return str(scope["method"]) if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's pattern, never its address: that may name somebody."""
    return str(getattr(scope.get("route"), "path", "other"))
