"""The dashboard's use of its parts: a page, a chart or a file for a choice."""

import asyncio
from collections.abc import Mapping
from functools import partial

import pyarrow as pa

from mia.api.dashboard.charts import Brush, ChartKind
from mia.api.dashboard.choice import NARROWING, Asked, Choice
from mia.api.dashboard.figures import Figures
from mia.api.dashboard.gallery import Gallery
from mia.api.dashboard.lifts import LiftFound, Lifts
from mia.api.dashboard.offers import offers_table
from mia.api.dashboard.view import (
    Condition,
    View,
    caused_view,
    connections_view,
    filters_view,
    funnel_view,
    headline_view,
    health_view,
    index_view,
    lift_rows,
    lift_view,
    offer_views,
    sort_columns,
)
from mia.api.dashboard.words import TEXTS, group_name, month_name
from mia.api.services import Services
from mia.errors import NotEnoughData
from mia.uptake.lift.result import LiftReport

HEADLINE_BY = "macro_region"


class Board:
    """Finds and draws what a choice asks for; used by one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._figures, self._lifts, self._gallery = Figures(services), Lifts(services), Gallery()

    async def choose(self, asked: Asked) -> Choice:
        """The choice that an address makes."""
        return asked.choose(await asyncio.to_thread(self._figures.months))

    async def view(self, choice: Choice) -> View | None:
        """The page; None while there are no events. Raises InvalidInput that names the parameter."""
        months = await asyncio.to_thread(self._figures.months)
        if not months:
            return None
        lifts = {by: await self._lifts.show(choice, by) for by in {HEADLINE_BY, choice.lift_by}}
        return await asyncio.to_thread(self._view, choice, lifts)

    async def draw(self, kind: ChartKind, choice: Choice, brush: Brush) -> str:
        """A chart as SVG; raises InvalidInput and NotEnoughData."""
        if kind is ChartKind.LIFT:
            report = await self._report(choice)
            return await asyncio.to_thread(self._draw_lift, report, choice, brush)
        position = await asyncio.to_thread(self._services.uptake.position)
        drawn = partial(self._draw, kind, choice, brush)
        return await asyncio.to_thread(self._gallery.show, position, (kind, choice, brush), drawn)

    async def table(self, name: str, choice: Choice) -> pa.Table:
        """What a chart, the table of offers, or all figures (`uptake`) are made of, unrounded."""
        if name == ChartKind.LIFT:
            return (await self._report(choice)).table()
        return await asyncio.to_thread(self._table, name, choice)

    async def _report(self, choice: Choice) -> LiftReport:
        found = await self._lifts.show(choice, choice.lift_by, patience=None)
        if found.report is None:
            raise NotEnoughData(found.trouble)
        return found.report

    def _draw_lift(self, report: LiftReport, choice: Choice, brush: Brush) -> str:
        # Altair takes a second and 30 MB: only a process that somebody looks at charts of pays for it.
        from mia.api.dashboard.charts.drawn import draw_lift

        return draw_lift(lift_rows(report, choice), brush)

    def _draw(self, kind: ChartKind, choice: Choice, brush: Brush) -> str:
        from mia.api.dashboard.charts.drawn import draw_connections, draw_funnel, draw_index

        figures = self._figures
        if kind is ChartKind.FUNNEL:
            return draw_funnel(figures.funnel(choice), brush)
        series = figures.series(choice, figures.by(choice, kind))
        marks = figures.marks(choice, series.months)
        return (draw_index if kind is ChartKind.INDEX else draw_connections)(series, marks, brush)

    def _table(self, name: str, choice: Choice) -> pa.Table:
        if name == "offers":
            return offers_table(self._figures.offers(choice))
        if name == ChartKind.FUNNEL:
            return self._figures.funnel_table(choice)
        by = self._figures.by(choice, ChartKind.INDEX if name == "uptake" else name)
        return self._figures.table(choice, by)

    def _view(self, choice: Choice, lifts: Mapping[str, LiftFound]) -> View:
        figures, uptake, language = self._figures, self._services.uptake, choice.language
        months = figures.months()
        shown = {name: figures.by(choice, name) for name in (ChartKind.INDEX, ChartKind.CONNECTIONS)}
        index, connections = (figures.series(choice, by) for by in shown.values())
        marks = figures.marks(choice, index.months)
        region, headline = figures.headline(choice)
        return View(
            choice=choice,
            filters=filters_view(
                choice, months, figures.macro_regions(choice), {name: uptake.values(name) for name in NARROWING}
            ),
            region=group_name(region, language),
            headline=headline_view(headline, choice),
            caused=caused_view(region, lifts[HEADLINE_BY], choice),
            note=_note(choice, index.months[-1], months[-1]) if index.months else "",
            charts=(
                index_view(index, choice, shown[ChartKind.INDEX], marks),
                connections_view(connections, choice, shown[ChartKind.CONNECTIONS], marks),
                funnel_view(figures.funnel(choice), choice),
                lift_view(lifts[choice.lift_by], choice),
            ),
            columns=sort_columns(choice),
            offers=offer_views(figures.offers(choice), choice),
            facts=health_view(self._condition(), language),
            pending=any(lift.is_pending for lift in lifts.values()),
        )

    def _condition(self) -> Condition:
        services = self._services
        return Condition(
            services.decisions.model_version,
            services.health.report(),
            services.ages(),
            services.uptake.span(),
            services.uptake.restated().num_rows,
            services.uptake.position(),
        )


def _note(choice: Choice, last: str, newest: str) -> str:
    texts = TEXTS[choice.language]
    later = choice.end is None and last != newest
    notes = (
        texts["arm_note"] if choice.by == "arm" or choice.arm else "",
        texts["to_come"].format(month=month_name(newest, choice.language)) if later else "",
    )
    return " ".join(note for note in notes if note)
