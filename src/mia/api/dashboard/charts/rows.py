"""The rows of the funnel and of lift, and the room that they take."""

from collections.abc import Sequence
from dataclasses import dataclass

FUNNEL_STEPS = ("impressions", "clicks", "connections")
FUNNEL_ROW, FUNNEL_FRAME = 72, 84
"""Pixels of a channel, and of what stands around all of them."""
LIFT_ROW, LIFT_FRAME = 40, 76
MOST_ROWS = 20
"""Groups whose lift is drawn, those with the most subscribers."""


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """What was counted in one channel in the months shown; `acceptance` in percent of matured impressions."""

    channel: str
    impressions: int
    clicks: int
    connections: int
    acceptance: float | None

    def share(self, step: str) -> float | None:
        """Percent of the impressions that went so far; None where there were none, or fewer than went on."""
        count = int(getattr(self, step))
        return count / self.impressions * 100 if self.impressions >= max(count, 1) else None


def funnel_height(rows: Sequence[FunnelRow]) -> int:
    """Outer height in pixels."""
    return FUNNEL_FRAME + FUNNEL_ROW * max(len(rows), 1)


@dataclass(frozen=True, slots=True)
class LiftRow:
    """Relative lift of one group in percent, with the ends of an interval that holds at every look."""

    name: str
    lift: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the interval lies on one side of zero."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "open"


def lift_height(rows: Sequence[LiftRow]) -> int:
    """Outer height in pixels."""
    return LIFT_FRAME + LIFT_ROW * max(len(rows), 1)
