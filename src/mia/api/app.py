"""The HTTP door: one application over one set of services."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from mia.api.access import Access, KeyRing
from mia.api.access.rates import Rates
from mia.api.access.schemes import describe_ways
from mia.api.access.tokens import build_tokens
from mia.api.access_log import AccessLog
from mia.api.dashboard.login import login_routes
from mia.api.dashboard.routes import dashboard_routes
from mia.api.deciding import Deciding
from mia.api.envelope import Envelope
from mia.api.express import Express
from mia.api.metrics import Metrics
from mia.api.problems import describe_problems, install_problems
from mia.api.protocol import LIMITS
from mia.api.recording import Recording
from mia.api.routes.decisions import decision_routes
from mia.api.routes.docs import docs_routes
from mia.api.routes.events import event_routes
from mia.api.routes.health import health_routes
from mia.api.routes.lift import lift_routes
from mia.api.routes.recommendations import recommendation_routes
from mia.api.routes.uptake import uptake_routes
from mia.api.services import Services
from mia.api.tmf.errors import TmfErrors
from mia.api.traces import Traces
from mia.pages import open_pages
from mia.sections import DoorSettings, TokenSettings

_LOG = logging.getLogger(__name__)
RENEW_SECONDS = 3.0
_ABOUT = (
    "Personal offers of a mobile operator: ask for a decision, record what became of it, see how connections grow. "
    "Send the key as `Authorization: Bearer mia_...` or `X-API-Key`. Errors are RFC 9457 problem documents."
)


def create_app(
    services: Services,
    limits: DoorSettings | None = None,
    tokens: TokenSettings | None = None,
    *,
    traces: Traces | None = None,
    renew_seconds: float = RENEW_SECONDS,
    door_clock: Callable[[], int] | None = None,
) -> FastAPI:
    """The application; `renew_seconds` between looks for newer versions. Its shutdown drains the services.

    `door_clock` is what keys, tokens and rates are held against, that of the services by default.
    """
    clock = door_clock or services.clock
    limits = DoorSettings() if limits is None else limits
    access_log = AccessLog()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, DoorSettings]]:
        beside = [
            asyncio.create_task(
                _repeat(services.decisions.reload, renew_seconds, "newer versions could not be looked for")
            ),
            asyncio.create_task(_repeat(services.uptake.refresh, renew_seconds, "events could not be rolled up")),
        ]
        yield {LIMITS: limits}
        access_log.flush()
        for task in beside:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(recording.close)
        await asyncio.to_thread(services.close)
        if traces is not None:
            await asyncio.to_thread(traces.close)

    app = FastAPI(
        title="MIA", version=version("mia"), description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    metrics = Metrics()
    door = Access(
        KeyRing(services.keys, clock),
        build_tokens(tokens or TokenSettings(), clock),
        Rates(limits.requests_per_second, limits.rates, limits.burst, clock),
        services.sign_in,
        login=limits.dashboard_login,
    )
    deciding, recording = Deciding(services, metrics), Recording(services, metrics)
    pages = open_pages(Path(__file__).parent / "dashboard")
    decisions, decide = decision_routes(services, door, deciding)
    events, record = event_routes(door, recording)
    for router in (
        decisions,
        events,
        recommendation_routes(services, door, deciding, recording),
        uptake_routes(services.uptake, door),
        lift_routes(services.lift, door),
        health_routes(services, door, metrics, open_metrics=limits.open_metrics),
        login_routes(door, pages),
        dashboard_routes(services, door, pages),
        docs_routes(app, pages),
    ):
        app.include_router(router)
    app.add_middleware(Express, lanes=(decide, record))
    app.add_middleware(Envelope, metrics=metrics, limits=limits, access_log=access_log, traces=traces)
    app.add_middleware(TmfErrors)
    install_problems(app)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI document what routes refer to by name; it is made once."""
    make = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe_ways(describe_problems(make()))
        return make()

    app.openapi = document  # type: ignore[method-assign]


async def _repeat(work: Callable[[], None], seconds: float, failure: str) -> None:
    """Do some work beside the event loop, again and again, so that no request has to wait for it."""
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception:
            # Whatever it was, what was found before stays, and the next time may succeed.
            _LOG.exception(failure)
        await asyncio.sleep(seconds)
