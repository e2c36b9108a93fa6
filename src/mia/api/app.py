"""The HTTP door: one application over one set of services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined

from mia.api.access import Access
from mia.api.dashboard.routes import dashboard_routes
from mia.api.envelope import Envelope
from mia.api.figures import Figures
from mia.api.metrics import Metrics
from mia.api.problems import describe_problems, install_problems
from mia.api.routes.decisions import decision_routes
from mia.api.routes.docs import docs_routes
from mia.api.routes.events import event_routes
from mia.api.routes.health import health_routes
from mia.api.routes.uptake import uptake_routes
from mia.api.services import Services

BODY_LIMIT = 1 << 20
_ABOUT = (
    "Personal offers of a mobile operator: ask for a decision, record what became of it, see how connections grow. "
    "Send the key as `Authorization: Bearer mia_...` or `X-API-Key`. Errors are RFC 9457 problem documents."
)


def create_app(services: Services, *, body_limit: int = BODY_LIMIT) -> FastAPI:
    """The application; `body_limit` in bytes. Its shutdown drains the services."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(services.close)

    app = FastAPI(
        title="MIA", version=version("mia"), description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    metrics = Metrics()
    door = Access(services.keys, services.clock)
    figures = Figures(services.uptake, services.ledger, services.clock)
    pages = Environment(
        loader=PackageLoader("mia.api.dashboard", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for router in (
        decision_routes(services, door, metrics),
        event_routes(services, door, metrics),
        uptake_routes(figures, door),
        health_routes(services, figures, metrics),
        dashboard_routes(services, figures, pages),
        docs_routes(app, pages),
    ):
        app.include_router(router)
    app.add_middleware(Envelope, metrics=metrics, body_limit=body_limit)
    install_problems(app)
    document = app.openapi
    app.openapi = lambda: describe_problems(document())  # type: ignore[method-assign]
    return app
