"""The dashboard: one page rendered here, its style sheet, its charts. It shows sums, never a subscriber."""

import asyncio
import pathlib
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal

import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment

from mia.api.access import Access
from mia.api.access.access import cookie_of
from mia.api.access.schemes import SESSION_COOKIE
from mia.api.dashboard.charts import ChartKind, Series, Width, draw_chart
from mia.api.dashboard.gallery import Gallery
from mia.api.dashboard.readable import readable_problems
from mia.api.dashboard.view import MEASURES, Choice, Found, build_series, build_view
from mia.api.dashboard.words import TEXTS, group_name
from mia.api.problems import problem_responses
from mia.api.routes.uptake import csv_response
from mia.api.services import Services
from mia.api.wire import OptionalMonth, OptionalName
from mia.domain.offer import Language
from mia.drawing import Theme
from mia.errors import InvalidInput, UnknownOffer

BASELINE = "2021-01"
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""A card brings its style along, since it must stand alone."""
DIMENSIONS = ("macro_region", "region", "offer", "channel", "arm")

Baseline = Annotated[OptionalMonth, Query(description="month that growth is counted from")]
Dimension = Annotated[Literal["region", "macro_region", "offer", "channel", "arm"], Query(description="how to group")]
Lang = Annotated[Language, Query(description="language of the texts")]
From = Annotated[OptionalMonth, Query(alias="from", description="first month; else 24 months are shown")]
To = Annotated[OptionalMonth, Query(alias="to", description="last month, that of the headline too")]
HeadlineOf = Annotated[OptionalName, Query(description="macro-region of the headline")]


def dashboard_routes(services: Services, door: Access, pages: Environment) -> APIRouter:
    """Routes under /dashboard, for who signed in or sends a key; its style and its icon are for everybody."""
    router, person = APIRouter(tags=["dashboard"]), [Depends(door.require_person())]
    files = APIRouter(dependencies=person)
    readable = APIRouter(route_class=readable_problems(pages), dependencies=person)
    folder = pathlib.Path(__file__).parent
    page, style, icon = pages.get_template("page.html"), folder / "style.css", folder / "icon.svg"
    style_bytes, icon_bytes = style.read_bytes(), icon.read_bytes()

    uptake, gallery = services.uptake, Gallery()

    async def choose(
        baseline: Baseline = None,
        by: Dimension = "macro_region",
        lang: Lang = Language.RU,
        start: From = None,
        end: To = None,
        macro_region: HeadlineOf = None,
    ) -> Choice:
        month = baseline if baseline is not None else await asyncio.to_thread(usual_baseline)
        return Choice(month, by, lang, start, end, macro_region)

    def usual_baseline() -> str:
        months = uptake.months()
        return BASELINE if BASELINE in months or not months else months[0]

    def table(choice: Choice) -> pa.Table:
        months = uptake.months()
        if not months:
            return uptake.table(choice.baseline, choice.by)
        for name, month in (("from", choice.start), ("to", choice.end)):
            if month is not None and month not in months:
                raise InvalidInput(f"there are no events of {month}, only {months[0]} to {months[-1]}", parameter=name)
        return uptake.table(choice.baseline, choice.by, *choice.period(months, uptake.newest_settled()))

    def series(choice: Choice) -> Series:
        return build_series(table(choice).to_pylist(), partial(_group_name, services, choice))

    def draw(kind: ChartKind, choice: Choice, theme: Theme, width: Width) -> str:
        def drawn() -> str:
            return draw_chart(kind, series(choice), choice.language, theme, width)

        return gallery.show(uptake.position(), (kind, choice, theme, width), drawn)

    def render(choice: Choice, session: str) -> str:
        shown = series(choice)
        rows = uptake.table(choice.baseline, "macro_region").to_pylist()
        regions = [region for region in dict.fromkeys(row["group"] for row in rows) if region is not None]
        region = choice.macro_region or services.headline
        asked = choice.macro_region is not None or region in regions
        headline = uptake.headline(region, choice.baseline, choice.end) if asked else None
        found = Found(shown, uptake.months(), regions, region, headline)
        values = _page_values(choice, build_view(choice, found), uptake.position())
        stamp = door.sign_in.stamp(session) if session else ""
        return page.render(values, model=services.decisions.model_version, leave=stamp)

    @router.get("/dashboard/style.css", include_in_schema=False)
    async def show_style() -> Response:
        return Response(style_bytes, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    @router.get("/dashboard/icon.svg", include_in_schema=False)
    async def show_icon() -> Response:
        return Response(icon_bytes, media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})

    @router.get("/", include_in_schema=False)
    async def show_way() -> Response:
        return RedirectResponse("/dashboard", 307)

    @readable.get("/dashboard", summary="The dashboard page", response_class=Response, responses=_page())
    async def show_page(request: Request, choice: Annotated[Choice, Depends(choose)]) -> Response:
        """Growth of connections: headline, charts and table."""
        html = await asyncio.to_thread(render, choice, cookie_of(request.scope, SESSION_COOKIE))
        return Response(html, media_type="text/html", headers={"Content-Language": choice.language.value})

    @files.get("/dashboard/{kind}.svg", summary="A chart", response_class=Response, responses=_body("image/svg+xml"))
    async def show_chart(
        kind: ChartKind,
        choice: Annotated[Choice, Depends(choose)],
        theme: Theme = "light",
        width: Width = "wide",
    ) -> Response:
        """The index of cumulative connections, or connections by month, as SVG."""
        svg = await asyncio.to_thread(draw, kind, choice, theme, width)
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})

    @files.get(
        "/dashboard/uptake.csv", summary="The table as CSV", response_class=Response, responses=_body("text/csv")
    )
    async def show_csv(choice: Annotated[Choice, Depends(choose)]) -> Response:
        """The figures of the table, unrounded."""
        rows = await asyncio.to_thread(table, choice)
        return csv_response(rows, f"uptake-{choice.by}-{choice.baseline}.csv")

    @readable.get(
        "/dashboard/models/{version}/card",
        summary="A model card",
        response_class=Response,
        responses=_page(404),
    )
    async def show_card(
        version: Annotated[str, Path(max_length=20, description="version of the model, or `champion`")],
    ) -> Response:
        """Everything to know about one version of the model: data, figures, slices, verdict of the gate."""
        html = await asyncio.to_thread(services.card, version)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": CARD_POLICY})

    @readable.get(
        "/dashboard/monitor",
        summary="The live model in operation",
        response_class=Response,
        responses=_page(404),
    )
    async def show_health() -> Response:
        """The page of the last `mia monitor`: drift, calibration, fallbacks and exploration against their limits."""
        html = await asyncio.to_thread(services.health.page)
        return Response(html, media_type="text/html", headers={"Content-Security-Policy": CARD_POLICY})

    router.include_router(files)
    router.include_router(readable)
    return router


def _body(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {media_type: {"schema": {"type": "string"}}}},
        **problem_responses(401, 403, 422, 429, 503),
    }


def _page(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of a route that people open: a page, whatever became of it."""
    content = {"text/html": {"schema": {"type": "string"}}}
    found = (200, *statuses, 401, 403, 422, 429, 503)
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(found)}


def _group_name(services: Services, choice: Choice, group: str | None) -> str:
    if choice.by == "offer" and group:
        try:
            return services.decisions.catalogue.offer(group).name.in_language(choice.language)
        except UnknownOffer:
            return group
    return group_name(group, choice.language)


def _page_values(choice: Choice, view: Any, position: int) -> dict[str, Any]:  # noqa: ANN401
    other = Language.EN if choice.language is Language.RU else Language.RU
    return {
        "t": TEXTS[choice.language],
        "lang": choice.language.value,
        "other_lang": other.value,
        "other_query": replace(choice, language=other).query,
        "dimensions": DIMENSIONS,
        "measures": MEASURES,
        "view": view,
        "position": position,
    }
