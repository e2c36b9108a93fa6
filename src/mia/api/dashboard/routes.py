"""The dashboard's addresses: the page, its charts and files. They show sums, never a subscriber."""

import asyncio
import pathlib
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment

from mia.api.access import Access
from mia.api.access.access import cookie_of
from mia.api.access.schemes import SESSION_COOKIE
from mia.api.dashboard.board import Board
from mia.api.dashboard.charts import SIZES, Brush, ChartKind, Width
from mia.api.dashboard.choice import Asked
from mia.api.dashboard.readable import readable_problems
from mia.api.dashboard.view.page import SPARK_HEIGHT, SPARK_WIDTH
from mia.api.dashboard.words import TEXTS
from mia.api.envelope import CONTENT_POLICY
from mia.api.problems import problem_responses
from mia.api.routes.uptake import csv_response
from mia.api.services import Services
from mia.domain.offer import Language
from mia.drawing import Theme, rasterise

PAGE_POLICY = f"{CONTENT_POLICY}; script-src 'self'; connect-src 'self'"
"""The page may run its one script, from this host, which asks this host for the newest page."""
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""A card brings its style along, since it must stand alone."""
REFRESH_SECONDS, PENDING_SECONDS = 30, 2
SHARED = {
    "style.css": ("text/css", 300),
    "script.js": ("text/javascript", 300),
    "icon.svg": ("image/svg+xml", 3_600),
}
"""Files that everybody may read, with their type and how many seconds they may be kept."""

FileOf = Literal["uptake", "index", "connections", "funnel", "lift", "offers"]


def dashboard_routes(services: Services, door: Access, pages: Environment) -> APIRouter:
    """Routes under /dashboard, for who signed in or sends a key; style, script and icon are for everybody."""
    router, person = APIRouter(tags=["dashboard"]), [Depends(door.require_person())]
    files = APIRouter(dependencies=person)
    readable = APIRouter(route_class=readable_problems(pages), dependencies=person)
    page, board = pages.get_template("page.html"), Board(services)
    for name, (media_type, seconds) in SHARED.items():
        _add_shared(router, name, media_type, seconds)

    @router.get("/", include_in_schema=False)
    async def show_way() -> Response:
        return RedirectResponse("/dashboard", 307)

    @readable.get("/dashboard", summary="The dashboard page", response_class=Response, responses=_page())
    async def show_page(request: Request, asked: Annotated[Asked, Depends()]) -> Response:
        """Growth of connections: headline, charts, offers, and how model and data do."""
        choice = await board.choose(asked)
        view = await board.view(choice)
        session = cookie_of(request.scope, SESSION_COOKIE)
        lang, other = choice.language, Language.EN if choice.language is Language.RU else Language.RU
        html = page.render(
            t=TEXTS[lang],
            lang=lang.value,
            other_lang=other.value,
            other_query=choice.changed(language=other),
            query=choice.query,
            view=view,
            spark=(SPARK_WIDTH, SPARK_HEIGHT),
            sizes=SIZES,
            refresh=PENDING_SECONDS if view is not None and view.pending else REFRESH_SECONDS,
            leave=door.sign_in.stamp(session) if session else "",
        )
        headers = {"Content-Language": lang.value, "Content-Security-Policy": PAGE_POLICY}
        return Response(html, media_type="text/html", headers=headers)

    @files.get("/dashboard/{kind}.svg", summary="A chart", response_class=Response, responses=_body("image/svg+xml"))
    async def show_chart(
        kind: ChartKind, asked: Annotated[Asked, Depends()], theme: Theme = "light", width: Width = "wide"
    ) -> Response:
        """Index, monthly connections, funnel or lift, as SVG."""
        choice = await board.choose(asked)
        svg = await board.draw(kind, choice, Brush(choice.language, theme, width))
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})

    @files.get(
        "/dashboard/{kind}.png", summary="A chart to keep", response_class=Response, responses=_body("image/png")
    )
    async def keep_chart(
        kind: ChartKind, asked: Annotated[Asked, Depends()], theme: Theme = "light", width: Width = "wide"
    ) -> Response:
        """The same as an image of dots on a ground of its own, twice as large, for slides and letters."""
        choice = await board.choose(asked)
        svg = await board.draw(kind, choice, Brush(choice.language, theme, width, solid=True))
        png = await asyncio.to_thread(rasterise, svg)
        headers = {"Content-Disposition": f'attachment; filename="{kind}-{choice.baseline}.png"'}
        return Response(png, media_type="image/png", headers=headers)

    @files.get("/dashboard/{name}.csv", summary="A table as CSV", response_class=Response, responses=_body("text/csv"))
    async def show_csv(name: FileOf, asked: Annotated[Asked, Depends()]) -> Response:
        """The figures of a chart, of the offers, or all of them (`uptake`), unrounded."""
        choice = await board.choose(asked)
        rows = await board.table(name, choice)
        grouped = f"{choice.by}-" if choice.by and name not in ("offers", "funnel") else ""
        return csv_response(rows, f"{name}-{grouped}{choice.baseline}.csv")

    @readable.get(
        "/dashboard/models/{version}/card", summary="A model card", response_class=Response, responses=_page(404)
    )
    async def show_card(
        version: Annotated[str, Path(max_length=20, description="version of the model, or `champion`")],
    ) -> Response:
        """Everything to know about one version of the model: data, figures, slices, verdict of the gate."""
        html = await asyncio.to_thread(services.card, version)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": CARD_POLICY})

    @readable.get(
        "/dashboard/monitor", summary="The live model in operation", response_class=Response, responses=_page(404)
    )
    async def show_health() -> Response:
        """The page of the last `mia monitor`: drift, calibration, fallbacks and exploration against their limits."""
        html = await asyncio.to_thread(services.health.page)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": CARD_POLICY})

    router.include_router(files)
    router.include_router(readable)
    return router


def _add_shared(router: APIRouter, name: str, media_type: str, seconds: int) -> None:
    content = (pathlib.Path(__file__).parent / name).read_bytes()

    @router.get(f"/dashboard/{name}", include_in_schema=False)
    async def show() -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": f"max-age={seconds}"})


def _body(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string"} | ({"format": "binary"} if media_type == "image/png" else {})
    return {
        200: {"content": {media_type: {"schema": schema}}},
        **problem_responses(401, 403, 422, 429, 503),
    }


def _page(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of a route that people open: a page, whatever became of it."""
    content = {"text/html": {"schema": {"type": "string"}}}
    found = (200, *statuses, 401, 403, 422, 429, 503)
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(found)}
