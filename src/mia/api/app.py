"""The HTTP door: one application over one set of services."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from mia.api.access import Access
from mia.api.dashboard.routes import dashboard_routes
from mia.api.envelope import Envelope
from mia.api.metrics import Metrics
from mia.api.problems import describe_problems, install_problems
from mia.api.routes.decisions import decision_routes
from mia.api.routes.docs import docs_routes
from mia.api.routes.events import event_routes
from mia.api.routes.health import health_routes
from mia.api.routes.uptake import uptake_routes
from mia.api.services import Services
from mia.pages import open_pages

_LOG = logging.getLogger(__name__)
BODY_LIMIT = 1 << 20
RENEW_SECONDS = 3.0
_ABOUT = (
    "Personal offers of a mobile operator: ask for a decision, record what became of it, see how connections grow. "
    "Send the key as `Authorization: Bearer mia_...` or `X-API-Key`. Errors are RFC 9457 problem documents."
)


def create_app(services: Services, *, body_limit: int = BODY_LIMIT, renew_seconds: float = RENEW_SECONDS) -> FastAPI:
    """The application; `body_limit` in bytes, `renew_seconds` between looks for newer versions.

    Its shutdown drains the services.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beside = [
            asyncio.create_task(
                _repeat(services.decisions.reload, renew_seconds, "newer versions could not be looked for")
            ),
            asyncio.create_task(_repeat(services.uptake.refresh, renew_seconds, "events could not be rolled up")),
        ]
        yield
        for task in beside:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(services.close)

    app = FastAPI(
        title="MIA", version=version("mia"), description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    metrics = Metrics()
    door = Access(services.keys, services.clock)
    pages = open_pages(Path(__file__).parent / "dashboard")
    for router in (
        decision_routes(services, door, metrics),
        event_routes(services, door, metrics),
        uptake_routes(services.uptake, door),
        health_routes(services, metrics),
        dashboard_routes(services, pages),
        docs_routes(app, pages),
    ):
        app.include_router(router)
    app.add_middleware(Envelope, metrics=metrics, body_limit=body_limit)
    install_problems(app)
    document = app.openapi
    app.openapi = lambda: describe_problems(document())  # type: ignore[method-assign]
    return app


async def _repeat(work: Callable[[], None], seconds: float, failure: str) -> None:
    """Do some work beside the event loop, again and again, so that no request has to wait for it."""
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception:
            # Whatever it was, what was found before stays, and the next time may succeed.
            _LOG.exception(failure)
        await asyncio.sleep(seconds)
