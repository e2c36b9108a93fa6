"""What lift is measured by: levels, windows and the base that a figure needs."""

from dataclasses import dataclass

from mia.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class LiftRules:
    """Section `[lift]` of the settings.

    `level` is the confidence of every interval. `pre_days` before the experiment tell subscribers apart (CUPED).
    `planned_connections` per subscriber are those at which the intervals for every look are meant to be tightest; set
    it before an experiment, never during one. Fewer than `minimum_connections` in an arm are a small base, on which no
    interval is shown.
    """

    level: float = 0.95
    pre_days: int = 90
    planned_connections: float = 0.5
    minimum_connections: int = 30

    def __post_init__(self) -> None:
        checks = {
            "level must lie between 0.5 and 0.999": 0.5 <= self.level <= 0.999,
            "pre_days must lie between 0 and 730": 0 <= self.pre_days <= 730,
            "planned_connections must be above 0": self.planned_connections > 0,
            "minimum_connections must be at least 5": self.minimum_connections >= 5,
        }
        broken = [rule for rule, holds in checks.items() if not holds]
        if broken:
            raise InvalidSettings(f"settings: lift: {'; '.join(broken)}")

    @property
    def alpha(self) -> float:
        """How often an interval may miss."""
        return 1 - self.level
