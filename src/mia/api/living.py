"""The service of a demonstration, which lives in the time that its visitors say it is.

`mia simulate --live` plays a month within a minute. Decisions must then be taken at the simulated time: seasons, hours,
caps and cooldowns depend on it. So this application takes the time of a decision from a header of the request. Nothing
but `mia demo` builds it: `mia serve` knows neither the header nor a setting that would make it listen to one. Keys,
sessions, rates and the times at which the ledger records things keep to the real clock here, too.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mia.api.app import create_app
from mia.api.problems import problem_response
from mia.api.serve import services_of
from mia.bootstrap import Workspace, open_workspace
from mia.services.play.http_door import SIMULATED_TIME
from mia.settings import load_settings

_NAME = SIMULATED_TIME.lower().encode()
_LATEST = 2**53
_MOMENT: ContextVar[int | None] = ContextVar("simulated_time", default=None)


class SimulatedTime:
    """ASGI middleware: what a request does happens at the time that it names (microseconds since the epoch)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one exchange on at its time; the answer says the time back."""
        named = next((value for name, value in scope.get("headers", ()) if name == _NAME), None)
        if scope["type"] != "http" or named is None:
            await self._app(scope, receive, send)
            return
        if not named.isdigit() or len(named) > len(str(_LATEST)) or int(named) > _LATEST:
            rule = f"{SIMULATED_TIME}: must be microseconds since the epoch"
            await problem_response(422, "invalid", rule)(scope, receive, send)
            return

        async def send_back(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[SIMULATED_TIME] = named.decode()
            await send(message)

        token = _MOMENT.set(int(named))
        try:
            await self._app(scope, receive, send_back)
        finally:
            _MOMENT.reset(token)


def simulated_clock(real: Callable[[], int]) -> Callable[[], int]:
    """The time of the request that is being answered, the real one for requests that name none."""

    def now() -> int:
        moment = _MOMENT.get()
        return real() if moment is None else moment

    return now


def living_factory() -> FastAPI:
    """The living application over the workspace of this process's settings."""
    settings = load_settings()
    return living_app(open_workspace(settings))


def living_app(workspace: Workspace) -> FastAPI:
    """A living application over a workspace."""
    services, settings = services_of(workspace), workspace.settings
    app = create_app(
        replace(services, clock=simulated_clock(services.clock)),
        settings.door,
        settings.tokens,
        door_clock=services.clock,
    )
    app.add_middleware(SimulatedTime)
    return app
