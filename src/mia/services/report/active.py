"""Active subscribers, counted from the days on which they were activated."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from threading import Lock

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.domain.region import Region
from mia.domain.subscriber import ARM_BUCKETS, Arm, ArmSplit
from mia.frames import Ints
from mia.intake.quoting import literal
from mia.ports import Lake
from mia.services.report.segments import reading
from mia.timeline import EPOCH
from mia.uptake.growth import Series

PEOPLE = (tables.REGION, tables.MACRO_REGION, tables.ARM)
"""What tells subscribers apart; of offers, channels and models everybody is active."""
SUBSCRIBERS = "subscribers"


class ActiveSubscribers:
    """Counts the subscribers of the lake again when other files hold them."""

    def __init__(
        self,
        lake: Lake,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        arms: ArmSplit,
        regions: Mapping[str, Region],
    ) -> None:
        self._lake, self._connect, self._arms, self._regions = lake, connect, arms, regions
        self._lock = Lock()
        self._known: tuple[list[str], pa.Table | None] = ([], None)

    def table(self) -> pa.Table | None:
        """How many subscribers (`count`) were activated on each `day`, by the columns of `PEOPLE`; None while there
        are no subscribers.
        """
        with self._lock:
            paths = self._lake.paths(SUBSCRIBERS)
            if paths != self._known[0]:
                self._known = (paths, self._counted(paths) if paths else None)
            return self._known[1]

    def _counted(self, paths: Sequence[str]) -> pa.Table:
        regions = pa.table(
            {
                "name": pa.array(list(self._regions), pa.string()),
                "of": pa.array([region.macro_region for region in self._regions.values()], pa.string()),
            }
        )
        bucket = f"('0x' || left(md5({literal(self._arms.salt + ':')} || subscriber_id), 8))::BIGINT % {ARM_BUCKETS}"
        query = f"""
            SELECT p.region, coalesce(p.macro_region, r.of) AS macro_region,
                CASE WHEN {bucket} < {self._arms.control_share * ARM_BUCKETS!r}
                     THEN '{Arm.CONTROL}' ELSE '{Arm.MIA}' END AS arm,
                (activated_on::DATE - DATE '{EPOCH}')::BIGINT AS day, count(*) AS count
            FROM (SELECT NULL::VARCHAR AS macro_region WHERE false UNION ALL BY NAME ({reading(paths)})) AS p
            LEFT JOIN regions AS r ON p.region = r.name GROUP BY ALL
        """
        with closing(self._connect()) as engine:
            engine.register("regions", regions)
            return engine.sql(query).to_arrow_table()


def count_active(
    people: pa.Table, columns: Sequence[str], series: Series, ends: Ints, only: Mapping[str, Sequence[str | None]]
) -> Ints:
    """Subscribers activated by the end of each period (the local days `ends`, p), for each group of a series (g x p).

    `columns` are what the series is grouped by and `only` what it is narrowed to; those that do not tell subscribers
    apart change nothing.
    """
    for name, values in only.items():
        if name in PEOPLE:
            people = people.filter(pc.is_in(people[name], pa.array(values, pa.string())))
    telling = [name for name in columns if name in PEOPLE]
    keys = list(zip(*(people[name].to_pylist() for name in telling), strict=True)) if telling else [()] * len(people)
    days, counts = people["day"].to_numpy(), people["count"].to_numpy()
    rows: dict[tuple[str | None, ...], list[int]] = {}
    for place, key in enumerate(keys):
        rows.setdefault(key, []).append(place)
    active = np.zeros((len(series.groups), len(ends)), np.int64)
    for place, group in enumerate(series.groups):
        own = tuple(value for name, value in zip(columns, group, strict=False) if name in PEOPLE)
        found = np.array(rows.get(own, []), np.int64)
        order = found[np.argsort(days[found], kind="stable")]
        summed = np.concatenate([[0], np.cumsum(counts[order])])
        active[place] = summed[np.searchsorted(days[order], ends, side="right")]
    return active
