"""The report on a live model as one HTML page that needs nothing from anywhere else."""

from pathlib import Path

from mia.evaluation.card import written
from mia.evaluation.health.figures import draw_figures
from mia.evaluation.health.report import Health
from mia.pages import open_pages


def render_page(health: Health) -> str:
    """The page: checks, plots and the tables behind them."""
    pages = open_pages(Path(__file__).parent)
    pages.filters["figure"] = written
    return pages.get_template("page.html").render(
        known=health.to_json(), checks=health.checks, figures=draw_figures(health), colour=health.colour.value
    )
