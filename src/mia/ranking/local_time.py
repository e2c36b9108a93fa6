"""Local time of subscribers: hour and weekday as the decisions see them, for whole columns of moments."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Floats, Ints, Objects, Profiles
from mia.ranking.pairs import HOUR, WEEKDAY
from mia.tables import REGION, TIMEZONE
from mia.timeline import DAY_SECONDS, MICROSECONDS

QUARTER, HOUR_SECONDS = 900, 3_600
THURSDAY = 3
"""The weekday that the epoch began on."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Time zone of a subscriber: its own, else that of its region (`regions` holds a zone a name), else `default`."""

    regions: Mapping[str, str]
    default: str

    def of(self, profiles: Profiles) -> Objects:
        """IANA name of the zone of each profile (n)."""
        own, region = (
            pa.array(profiles.attributes.get(name, np.full(len(profiles), None, object)), pa.string())
            for name in (TIMEZONE, REGION)
        )
        place = pc.index_in(region, pa.array(list(self.regions), pa.string()))
        of_region = pa.array(list(self.regions.values()), pa.string()).take(place)
        return np.asarray(pc.coalesce(own, of_region, pa.scalar(self.default)).to_numpy(zero_copy_only=False))

    def clock(self, profiles: Profiles, rows: Ints, at: Ints) -> dict[str, Floats]:
        """Local `hour` (0 to 23) and `weekday` (0 is Monday) of R moments `at` (microseconds) in the zones of the
        profile rows `rows`.
        """
        names, place = np.unique(self.of(profiles).astype(str), return_inverse=True)
        zone, seconds = place[rows], at // MICROSECONDS
        local = np.zeros(len(rows), np.int64)
        for number, name in enumerate(names.tolist()):
            mine = np.flatnonzero(zone == number)
            local[mine] = seconds[mine] + _offsets(ZoneInfo(name), seconds[mine])
        hour, weekday = local // HOUR_SECONDS % 24, (local // DAY_SECONDS + THURSDAY) % 7
        return {HOUR: hour.astype(float), WEEKDAY: weekday.astype(float)}


def weekday_of(day: int) -> int:
    """The weekday of a local day, 0 is Monday.

    >>> weekday_of(0)
    3
    """
    return (day + THURSDAY) % 7


def _offsets(zone: ZoneInfo, seconds: Ints) -> Ints:
    """Seconds that the zone is ahead of UTC. Clocks change on a quarter of an hour, so each is looked up once."""
    quarters, place = np.unique(seconds // QUARTER, return_inverse=True)
    moments = (datetime.fromtimestamp(quarter * QUARTER, zone).utcoffset() for quarter in quarters.tolist())
    ahead = [0 if offset is None else int(offset.total_seconds()) for offset in moments]
    return np.asarray(ahead, np.int64)[place]
