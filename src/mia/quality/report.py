"""The report on a lake: the checks, and the figures behind them by day, kind and region."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow.compute as pc

from mia.quality.check import Check, Status, worst_of
from mia.quality.facts import Facts
from mia.quality.grid import Level
from mia.quality.limits import Limits
from mia.quality.scans import SILENCES
from mia.tables import KIND, REGION
from mia.timeline import date_of

RECENT = 30
"""Latest judged days that completeness of a kind or region is stated for."""


@dataclass(frozen=True)
class Report:
    """What was found of a lake as of a day."""

    facts: Facts
    limits: Limits
    checks: tuple[Check, ...]

    @property
    def status(self) -> Status:
        """The worst verdict of all checks."""
        return worst_of(self.checks)

    @property
    def summary(self) -> str:
        """The lake in one line."""
        grid = self.facts.grid
        return (
            f"{int(grid.total.records.sum()):,} records of {date_of(grid.judged)} to {date_of(grid.end)}, "
            f"{self.subscribers:,} subscribers"
        )

    @property
    def subscribers(self) -> int:
        """Subscribers in all."""
        return int(pc.sum(self.facts.tariffs["subscribers"]).as_py() or 0)

    @cached_property
    def kinds(self) -> list[dict[str, Any]]:
        """Volume, freshness and recent completeness of each kind."""
        level = self.facts.grid.by_kind
        return [
            {KIND: kind, **_volumes(self.facts, level, place, 0), "newest_arrival": self._arrived(kind=kind)}
            for place, kind in enumerate(level.kinds)
        ]

    @cached_property
    def regions(self) -> list[dict[str, Any]]:
        """Subscribers, volume, freshness, recent completeness and silence of each region."""
        level = self.facts.grid.by_region
        places = {region: place for place, region in enumerate(level.regions)}
        found = []
        for row in sorted(self.facts.people.to_pylist(), key=lambda row: row[REGION]):
            region = row[REGION]
            entry = {REGION: region, "subscribers": row["begun"]}
            if region in places:
                entry |= _volumes(self.facts, level, 0, places[region])
                entry["newest_arrival"] = self._arrived(region=region)
            else:
                entry |= {"records": 0, "newest_usage": None, "completeness": None, "newest_arrival": None}
            for days in SILENCES:
                begun = row[f"begun_{days}"]
                entry[f"silent_{days}_days"] = row[f"silent_{days}"] / begun if begun else None
            found.append(entry)
        return found

    @cached_property
    def pairs(self) -> list[dict[str, Any]]:
        """Volume, freshness and recent completeness of each kind in each region that has records of it."""
        level = self.facts.grid.fine
        return [
            {
                KIND: level.kinds[kind],
                REGION: level.regions[region],
                **_volumes(self.facts, level, kind, region),
                "newest_arrival": self._arrived(**{KIND: level.kinds[kind], REGION: level.regions[region]}),
            }
            for kind, region in np.argwhere(level.records.any(axis=0))
        ]

    @cached_property
    def days(self) -> list[dict[str, Any]]:
        """Records of each judged day in all and by kind, what is usual, and the share of it that there is."""
        total, by_kind = self.facts.grid.total, self.facts.grid.by_kind
        usual, records = total.usual[:, 0, 0], total.records[:, 0, 0]
        complete = total.completeness[:, 0, 0]
        return [
            {
                "day": date_of(int(day)).isoformat(),
                "records": int(records[place]),
                "usual": _number(usual[place]),
                "completeness": _number(complete[place]),
                "kinds": dict(zip(by_kind.kinds, by_kind.records[place, :, 0].tolist(), strict=True)),
            }
            for place, day in enumerate(self.facts.grid.days)
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        grid = self.facts.grid
        return {
            "as_of": date_of(self.facts.as_of).isoformat(),
            "first_day": date_of(grid.judged).isoformat(),
            "newest_day": date_of(grid.end).isoformat(),
            "records": int(grid.total.records.sum()),
            "subscribers": self.subscribers,
            "status": self.status.value,
            "checks": [check.to_json() for check in self.checks],
            "kinds": self.kinds,
            "regions": self.regions,
            "kinds_in_regions": self.pairs,
            "days": self.days,
        }

    def _arrived(self, **place: str) -> str | None:
        cells = self.facts.cells
        for column, value in place.items():
            cells = cells.filter(pc.equal(cells[column], value))
        newest = pc.max(cells["newest_known"]).as_py()
        return None if newest is None else date_of(newest).isoformat()


def _volumes(facts: Facts, level: Level, kind: int, region: int) -> dict[str, Any]:
    records, volume, usual = (values[:, kind, region] for values in (level.records, level.volume, level.usual))
    present = np.flatnonzero(records > 0)
    judged = np.flatnonzero(~np.isnan(usual))[-RECENT:]
    expected = usual[judged].sum()
    return {
        "records": int(records.sum()),
        "newest_usage": date_of(int(facts.grid.days[present[-1]])).isoformat() if len(present) else None,
        "completeness": float(volume[judged].sum() / expected) if expected > 0 else None,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
