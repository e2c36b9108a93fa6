"""Charts of the dashboard as SVG, made here without any other host."""

from enum import StrEnum

from mia.api.dashboard.charts.brush import HEIGHT, LARGEST, SIZES, Brush, Width
from mia.api.dashboard.charts.funnel import FunnelRow, draw_funnel, funnel_height
from mia.api.dashboard.charts.lift import MOST_ROWS, LiftRow, draw_lift, lift_height
from mia.api.dashboard.charts.over_months import draw_connections, draw_index

__all__ = [
    "HEIGHT",
    "LARGEST",
    "MOST_ROWS",
    "SIZES",
    "Brush",
    "ChartKind",
    "FunnelRow",
    "LiftRow",
    "Width",
    "draw_connections",
    "draw_funnel",
    "draw_index",
    "draw_lift",
    "funnel_height",
    "lift_height",
]


class ChartKind(StrEnum):
    """The charts there are, by the name in their address."""

    INDEX = "index"
    CONNECTIONS = "connections"
    FUNNEL = "funnel"
    LIFT = "lift"
