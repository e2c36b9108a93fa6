"""Charts of the dashboard as SVG, made here without any other host.

What is told of them is here; Altair comes in with `drawn`, where they are drawn.
"""

from enum import StrEnum

from mia.api.dashboard.charts.brush import HEIGHT, LARGEST, SIZES, Brush, Width
from mia.api.dashboard.charts.rows import MOST_ROWS, FunnelRow, LiftRow, funnel_height, lift_height

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
    "funnel_height",
    "lift_height",
]


class ChartKind(StrEnum):
    """The charts there are, by the name in their address."""

    INDEX = "index"
    CONNECTIONS = "connections"
    FUNNEL = "funnel"
    LIFT = "lift"
