"""What the page shows, section by section, as text."""

from mia.api.dashboard.view.chart import (
    ChartView,
    connections_view,
    funnel_view,
    index_view,
    lift_rows,
    lift_view,
)
from mia.api.dashboard.view.filters import Filters, filters_view
from mia.api.dashboard.view.headline import caused_view, headline_view
from mia.api.dashboard.view.health import Condition, health_view
from mia.api.dashboard.view.page import View, offer_views, sort_columns

__all__ = [
    "ChartView",
    "Condition",
    "Filters",
    "View",
    "caused_view",
    "connections_view",
    "filters_view",
    "funnel_view",
    "headline_view",
    "health_view",
    "index_view",
    "lift_rows",
    "lift_view",
    "offer_views",
    "sort_columns",
]
