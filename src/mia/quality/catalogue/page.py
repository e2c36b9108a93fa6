"""The report on a catalogue as one HTML page that needs nothing from anywhere else."""

from typing import Any

import altair as alt

from mia.drawing import by_variables
from mia.quality.catalogue.report import CatalogueReport
from mia.quality.figures import OUTER, Figure, Width, both_widths
from mia.quality.page import render_checks

_COLOURS = by_variables()
_MOST = 60


def render_catalogue(report: CatalogueReport) -> str:
    """The page: verdict, checks with examples, whom each offer reaches, and the offers as a table."""
    return render_checks(
        f"the catalogue {report.facts.file}",
        report.summary,
        report.checks,
        [] if report.facts.reach is None else [_draw_reach(report)],
        [("Offers", report.offers)],
    )


def _draw_reach(report: CatalogueReport) -> Figure:
    rows = sorted(report.offers, key=lambda row: (row["reach_share"], row["offer"]))[:_MOST]
    names = [row["offer"] for row in rows]

    def draw(width: Width) -> Any:  # noqa: ANN401 - a chart
        values = [{"offer": row["offer"], "share": row["reach_share"]} for row in rows]
        return (
            alt.Chart(alt.InlineData(values=values))
            .mark_bar(color=_COLOURS.lines[0])
            .encode(
                x=alt.X(
                    "share:Q",
                    title=None,
                    scale=alt.Scale(domain=[0, 1]),
                    axis=alt.Axis(format="~%", tickCount=5, domain=False, ticks=False),
                ),
                y=alt.Y("offer:N", title=None, sort=names, axis=alt.Axis(domain=False, ticks=False, labelLimit=130)),
            )
            .properties(width=OUTER[width] - 140, height=max(18 * len(names), 18))
        )

    left_out = len(report.offers) - len(rows)
    note = f" {left_out:,} that reach more are left out." if left_out else ""
    return Figure(
        "Reach of the offers",
        f"Share of subscribers that may be shown each offer by region and conditions, the fewest first.{note}",
        both_widths(draw) if rows else {},
    )
