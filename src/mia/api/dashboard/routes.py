"""The dashboard: one page rendered here, its style sheet, its charts. Open: it shows sums, never a subscriber."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from jinja2 import Environment

from mia.api.dashboard.charts import ChartKind, Series, Width, draw_chart
from mia.api.dashboard.gallery import Gallery
from mia.api.dashboard.view import MEASURES, Choice, build_series, build_view
from mia.api.dashboard.words import TEXTS, group_name
from mia.api.problems import problem_responses
from mia.api.routes.uptake import csv_response
from mia.api.services import Services
from mia.api.wire import By, Month
from mia.domain.offer import Language
from mia.drawing import Theme
from mia.errors import UnknownOffer

HEADLINE_REGION, BASELINE = "Urals", "2021-01"
DIMENSIONS = ("macro_region", "region", "offer", "channel", "arm")

Baseline = Annotated[Month | None, Query(description="month that growth is counted from")]
Dimension = Annotated[By, Query(description="how to group")]
Lang = Annotated[Language, Query(description="language of the texts")]


def dashboard_routes(services: Services, pages: Environment) -> APIRouter:
    """Routes under /dashboard."""
    router = APIRouter(tags=["dashboard"])
    folder = Path(__file__).parent
    page, style, icon = pages.get_template("page.html"), folder / "style.css", folder / "icon.svg"
    style_bytes, icon_bytes = style.read_bytes(), icon.read_bytes()

    uptake, gallery = services.uptake, Gallery()

    def choose(baseline: str | None, by: str, language: Language) -> Choice:
        months = uptake.months()
        usual = BASELINE if BASELINE in months or not months else months[0]
        return Choice(baseline or usual, by, language)

    def series(choice: Choice) -> Series:
        rows = uptake.table(choice.baseline, choice.by).to_pylist()
        return build_series(rows, partial(_group_name, services, choice))

    def draw(kind: ChartKind, choice: Choice, theme: Theme, width: Width) -> str:
        def drawn() -> str:
            return draw_chart(kind, series(choice), choice.language, theme, width)

        return gallery.show(services.ledger.position(), (kind, choice, theme, width), drawn)

    def render(choice: Choice) -> str:
        groups = {row["group"] for row in uptake.table(choice.baseline, "macro_region").to_pylist()}
        headline = uptake.headline(HEADLINE_REGION, choice.baseline) if HEADLINE_REGION in groups else None
        view = build_view(choice, series(choice), uptake.months(), headline)
        return page.render(_page_values(choice, view, services.ledger.position()))

    @router.get("/dashboard/style.css", include_in_schema=False)
    async def show_style() -> Response:
        return Response(style_bytes, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    @router.get("/dashboard/icon.svg", include_in_schema=False)
    async def show_icon() -> Response:
        return Response(icon_bytes, media_type="image/svg+xml", headers={"Cache-Control": "max-age=3600"})

    @router.get("/dashboard", summary="The dashboard page", response_class=Response, responses=_body("text/html"))
    async def show_page(
        baseline: Baseline = None, by: Dimension = "macro_region", lang: Lang = Language.RU
    ) -> Response:
        """Growth of connections: headline, charts and table."""
        html = await asyncio.to_thread(lambda: render(choose(baseline, by, lang)))
        return Response(html, media_type="text/html", headers={"Content-Language": lang.value})

    @router.get("/dashboard/{kind}.svg", summary="A chart", response_class=Response, responses=_body("image/svg+xml"))
    async def show_chart(
        kind: ChartKind,
        baseline: Baseline = None,
        by: Dimension = "macro_region",
        lang: Lang = Language.RU,
        theme: Theme = "light",
        width: Width = "wide",
    ) -> Response:
        """The index of cumulative connections, or connections by month, as SVG."""
        svg = await asyncio.to_thread(lambda: draw(kind, choose(baseline, by, lang), theme, width))
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "no-cache"})

    @router.get(
        "/dashboard/uptake.csv", summary="The table as CSV", response_class=Response, responses=_body("text/csv")
    )
    async def show_csv(baseline: Baseline = None, by: Dimension = "macro_region") -> Response:
        """The figures of the table, unrounded."""
        choice = await asyncio.to_thread(choose, baseline, by, Language.RU)
        table = await asyncio.to_thread(uptake.table, choice.baseline, by)
        return csv_response(table, f"uptake-{by}-{choice.baseline}.csv")

    return router


def _body(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}, **problem_responses(422, 503)}


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
        "other_query": Choice(choice.baseline, choice.by, other).query,
        "dimensions": DIMENSIONS,
        "measures": MEASURES,
        "view": view,
        "position": position,
    }
