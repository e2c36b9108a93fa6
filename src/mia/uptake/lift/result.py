"""Lift as it is told: per group the arms, effects, pooled estimate, incremental connections and index."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from mia.domain.subscriber import Arm
from mia.timeline import date_of
from mia.uptake.growth import UNKNOWN
from mia.uptake.lift.balance import Balance
from mia.uptake.lift.effect import Effect, Interval

INTERVALS = ("interval", "anytime_interval", "relative_interval", "anytime_relative_interval")
NUMBERS = ("difference", "relative", "standard_error", "anytime_p_value", "variance_removed")


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm of a group: `subscribers` assigned to it, `reached` by an impression, and what they connected.

    `value` is the sum of the offers' values, in currency units.
    """

    subscribers: int
    reached: int
    connections: int
    value: float


@dataclass(frozen=True, slots=True)
class PooledEffect:
    """Difference in connections per subscriber after partial pooling, with its interval for one look."""

    difference: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Incremental:
    """What MIA caused: the difference times the subscribers of arm `mia`, in connections.

    `index` is 1 + connections caused / connections up to the baseline: the growth index as it would be had nothing but
    MIA added to them; `total_index` is the same of all connections. None where those up to the baseline are too few.
    """

    connections: float
    interval: Interval
    anytime_interval: Interval
    baseline_connections: int
    index: float | None
    index_interval: Interval
    index_anytime_interval: Interval
    total_index: float | None


@dataclass(frozen=True, slots=True)
class GroupLift:
    """One group; `group` is None for subscribers or events that carry no value.

    `assigned` checks the sizes of the arms, `reached` those of the subscribers that were shown something.
    `pooled` is given for regions and macro-regions. `small_base`: too few connections for a percentage or interval.
    """

    group: str | None
    arms: Mapping[str, ArmFigures]
    connections: Effect
    value: Effect
    pooled: PooledEffect | None
    incremental: Incremental
    assigned: Balance
    reached: Balance
    small_base: bool

    def to_json(self) -> dict[str, Any]:
        """Plain values, nested as the fields are."""
        return {
            "group": self.group,
            "arms": {arm: asdict(figures) for arm, figures in self.arms.items()},
            "connections": self.connections.to_json(),
            "value": self.value.to_json(),
            "pooled": None if self.pooled is None else asdict(self.pooled),
            "incremental": asdict(self.incremental),
            "assigned": asdict(self.assigned),
            "reached": asdict(self.reached),
            "small_base": self.small_base,
        }

    def to_row(self) -> dict[str, Any]:
        """One flat row: `connections_mia` counts, `connections_mean_mia` is per subscriber; likewise for `value`."""
        row: dict[str, Any] = {"group": self.group if self.group is not None else UNKNOWN}
        for arm in (Arm.CONTROL.value, Arm.MIA.value):
            row |= {f"{name}_{arm}": value for name, value in asdict(self.arms[arm]).items()}
        for measure, effect in (("connections", self.connections), ("value", self.value)):
            row |= {f"{measure}_mean_control": effect.control, f"{measure}_mean_mia": effect.mia}
            row |= {f"{measure}_{name}": getattr(effect, name) for name in NUMBERS}
            for name in INTERVALS:
                row |= _ends(f"{measure}_{name}", getattr(effect, name))
        pooled = self.pooled
        row["pooled_difference"] = None if pooled is None else pooled.difference
        row |= _ends("pooled_interval", Interval(None, None) if pooled is None else pooled.interval)
        row["incremental_connections"] = self.incremental.connections
        row |= _ends("incremental_anytime_interval", self.incremental.anytime_interval)
        row["incremental_index"] = self.incremental.index
        row |= _ends("incremental_index_anytime_interval", self.incremental.index_anytime_interval)
        row["total_index"] = self.incremental.total_index
        for name, balance in (("assigned", self.assigned), ("reached", self.reached)):
            row |= {f"{name}_p_value": balance.p_value, f"{name}_anytime_p_value": balance.anytime_p_value}
        return row | {"small_base": self.small_base}


@dataclass(frozen=True, slots=True)
class LiftReport:
    """Lift from local day `start` to `end`, both inclusive; `total` in all, `groups` by `by`.

    `began` is the day of MIA's first decision that an event follows, None before one: until then both arms were treated
    alike. `pre_start` to `pre_end` (exclusive) are the days that the variance is reduced with. `baseline` is the last
    day of the baseline. `share` is the planned share of control, `aa` the seed of an A/A split, which draws arms anew
    whatever was shown. `crossed` subscribers, a share `crossed_share` of those with events, had events in an arm other
    than the one they are assigned to. `outside` connections are of subscribers that are not in the lake, `unvalued`
    ones of offers that no catalogue holds. `spread` is the standard deviation of the difference between groups.
    """

    by: str | None
    start: int
    end: int
    began: int | None
    pre_start: int
    pre_end: int
    baseline: int
    share: float
    level: float
    aa: int | None
    total: GroupLift
    groups: tuple[GroupLift, ...]
    spread: float | None
    crossed: int
    crossed_share: float
    outside: int
    unvalued: int

    @property
    def notes(self) -> tuple[str, ...]:
        """Names of what speaks against the figures: see `NOTES`."""
        held = {
            "no_decisions": self.began is None and self.aa is None,
            "before_decisions": self.began is not None and self.start < self.began and self.aa is None,
            "sizes": self.total.assigned.anytime_p_value < 1 - self.level,
            "reach": self.total.reached.anytime_p_value < 1 - self.level,
            "crossed": self.crossed > 0,
            "outside": self.outside > 0,
            "unvalued": self.unvalued > 0,
            "small_base": self.total.small_base,
        }
        return tuple(name for name, holds in held.items() if holds)

    def to_json(self) -> dict[str, Any]:
        """Plain values; days as `YYYY-MM-DD`."""

        def day(number: int | None) -> str | None:
            return None if number is None else date_of(number).isoformat()

        return {
            "by": self.by,
            "from": day(self.start),
            "to": day(self.end),
            "began": day(self.began),
            "pre_from": day(self.pre_start),
            "pre_to": day(self.pre_end - 1),
            "baseline": day(self.baseline),
            "control_share": self.share,
            "level": self.level,
            "aa": self.aa,
            "total": self.total.to_json(),
            "groups": [group.to_json() for group in self.groups],
            "spread": self.spread,
            "crossed": self.crossed,
            "crossed_share": self.crossed_share,
            "outside": self.outside,
            "unvalued": self.unvalued,
            "notes": list(self.notes),
        }

    def table(self) -> pa.Table:
        """One row a group, the total first; columns in the order of `GroupLift.to_row`."""
        table = pa.Table.from_pylist([group.to_row() for group in (self.total, *self.groups)])
        # Whatever may be missing is a number, also where it is missing in every row.
        types = [pa.float64() if pa.types.is_null(field.type) else field.type for field in table.schema]
        return table.cast(pa.schema(list(zip(table.column_names, types, strict=True))))


NOTES = {
    "no_decisions": "no event follows a decision of MIA: both arms were treated alike",
    "before_decisions": "the period begins before the first decision of MIA, when both arms were treated alike",
    "sizes": "the arms are not as large as planned: the assignment is broken, believe no figure",
    "reach": "the shares of subscribers that were shown something differ from plan: are events of one arm lost?",
    "crossed": "some subscribers had events in another arm than theirs: was the split changed?",
    "outside": "connections of subscribers that are not in the lake are left out",
    "unvalued": "connections of offers that no catalogue holds count with a value of 0",
    "small_base": "too few connections for an interval",
}
"""What each note means."""


def _ends(name: str, interval: Interval) -> dict[str, float | None]:
    return {f"{name}_low": interval.low, f"{name}_high": interval.high}
