"""The charts, drawn."""

from mia.api.dashboard.charts.funnel import draw_funnel
from mia.api.dashboard.charts.lift import draw_lift
from mia.api.dashboard.charts.over_months import draw_connections, draw_index

__all__ = ["draw_connections", "draw_funnel", "draw_index", "draw_lift"]
