"""A lake in memory whose records are sound, and into which tests plant faults."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mia.ports import LakeFile
from mia.quality.limits import Limits
from mia.quality.report import Report
from mia.services.validate import validate
from mia.storage.engine import DuckDBEngine, Session
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of

FIRST, DAYS = 18_628, 100
"""Sound records are of the 100 days from 2021-01-01 on."""
AS_OF = FIRST + DAYS
REGIONS = ("Kurgan", "Rostov")
PEOPLE = 20
"""Subscribers of each region."""
DAILY = {"data": 60, "voice": 30, "content": 12}
"""Records a day and region; top-ups are 10, and 40 on every 14th day."""
QUANTITY = {"data": 1e6, "voice": 60.0, "content": 1.0, "top_up": 1.0}
LIMITS = Limits(minimum_records=10, minimum_subscribers=10)
ENGINE = DuckDBEngine(threads=1)


def midnight(day: int) -> int:
    """Microseconds since the epoch."""
    return day * DAY_SECONDS * MICROSECONDS


class PlantedSession(Session):
    """A session that reads the lake's tables from memory."""

    def __init__(self, lake: "PlantedLake") -> None:
        super().__init__(ENGINE.connect())
        self.lake = lake

    def read(self, paths: Sequence[str]) -> ibis.Table:
        """The table of paths `table/day`."""
        data = self.lake.table(paths[0].split("/")[0])
        if data.column_names[0] == "local_day":
            days = [int(path.split("/")[1]) for path in paths]
            data = data.filter(pc.is_in(data["local_day"], pa.array(days)))
            self.lake.days_read.append(days)
        return self.table(data)


@dataclass
class PlantedLake:
    """Usage and subscribers as columns that tests may change; `loads` is what ingest noted."""

    usage: dict[str, NDArray[Any]]
    people: dict[str, list[Any]]
    loads: dict[str, dict[str, Any]]
    days_read: list[list[int]] = field(default_factory=list)

    def table(self, name: str) -> pa.Table:
        if name == "subscribers":
            texts = {key: pa.string() for key in ("subscriber_id", "region", "tariff")}
            return pa.table({key: pa.array(values, texts.get(key)) for key, values in self.people.items()})
        types = {"subscriber_id": pa.string(), "kind": pa.string(), "category": pa.string(), "record_id": pa.string()}
        return pa.table({key: pa.array(values, types.get(key)) for key, values in self.usage.items()})

    def files(self, table: str, days: Iterable[int] | None = None) -> list[LakeFile]:
        if table == "subscribers":
            return [LakeFile(table, "subscribers/0", 1, "x")] if self.people["subscriber_id"] else []
        there = np.unique(self.usage["local_day"]).tolist()
        wanted = there if days is None else sorted(set(days) & set(there))
        return [LakeFile(table, f"usage/{day}", 1, "x", day) for day in wanted]

    def paths(self, table: str, days: Iterable[int] | None = None) -> list[str]:
        return [file.path for file in self.files(table, days)]

    def noted(self, key: str) -> Any:
        return self.loads if key == "loads" else None

    def open(self) -> PlantedSession:
        return PlantedSession(self)

    def validate(self, limits: Limits = LIMITS, as_of: int = AS_OF) -> Report:
        """The report on this lake."""
        return validate(self, self, limits, as_of=as_of)  # type: ignore[arg-type]

    def where(self, kind: str | None = None, region: str | None = None, days: Sequence[int] = ()) -> NDArray[np.bool_]:
        """Which records are of a kind, a region and of days counted from the first."""
        found = np.ones(len(self.usage["kind"]), bool)
        if kind is not None:
            found &= self.usage["kind"] == kind
        if region is not None:
            found &= np.char.startswith(self.usage["subscriber_id"].astype(str), region[0])
        if len(days):
            found &= np.isin(self.usage["local_day"] - FIRST, days)
        return found

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Drop all other records."""
        self.usage = {name: values[kept] for name, values in self.usage.items()}

    def repeat(self, chosen: NDArray[np.bool_], times: int = 1, **changed: Any) -> None:
        """Add copies of records, changed in some columns."""
        copies = {name: np.tile(values[chosen], times) for name, values in self.usage.items()}
        for name, value in changed.items():
            copies[name] = np.full_like(copies[name], value)
        self.usage = {name: np.concatenate([values, copies[name]]) for name, values in self.usage.items()}


def sound_lake() -> PlantedLake:
    """A lake in which every check passes."""
    cells = [
        (day, kind, region, count)
        for day in range(DAYS)
        for region in REGIONS
        for kind, count in {**DAILY, "top_up": 40 if day % 14 == 0 else 10}.items()
    ]
    counts = np.array([count for *_, count in cells])
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    days = np.repeat([FIRST + day for day, *_ in cells], counts)
    kinds = np.repeat(np.array([kind for _, kind, _, _ in cells], object), counts)
    initials = np.repeat(np.array([region[0] for _, _, region, _ in cells], object), counts)
    factor = 0.5 + (place % 11) / 10
    usage: dict[str, NDArray[Any]] = {
        "local_day": days,
        "known_day": days.copy(),
        "sign": np.ones(len(days), np.int64),
        "version": np.ones(len(days), np.int64),
        "subscriber_id": initials + np.char.mod("%02d", (place + days) % PEOPLE).astype(object),
        "kind": kinds,
        "quantity": np.array([QUANTITY[kind] for kind in kinds]) * factor,
        "charge": np.where(kinds == "top_up", 300.0, 0.0) * factor,
        "category": np.where(np.isin(kinds, ["data", "content"]), "video", None),
        "record_id": np.char.mod("r%d", np.arange(len(days))).astype(object),
    }
    ids = [f"{region[0]}{number:02d}" for region in REGIONS for number in range(PEOPLE)]
    people: dict[str, list[Any]] = {
        "subscriber_id": ids,
        "region": [region for region in REGIONS for _ in range(PEOPLE)],
        "activated_on": [date(2020, 1, 1)] * len(ids),
        "tariff": ["start"] * len(ids),
        "tariff_data_mb": [1024] * len(ids),
        "tariff_sms": [100] * len(ids),
    }
    return PlantedLake(usage, people, {"k1": a_load("usage.csv", 1_000), "k2": {"table": "events", "file": "e.csv"}})


def a_load(file: str, rows: int, *, duplicates: int = 0, rejected: int = 0, day: int = AS_OF) -> dict[str, Any]:
    """What ingest notes of a file of usage."""
    counts = {"rows": rows, "accepted": rows - duplicates - rejected, "duplicates": duplicates, "rejected": rejected}
    return {"load": "x", "file": file, "table": "usage", "open": False, "at": midnight(day), "counts": counts}


def iso(day: int) -> str:
    """The date of a day counted from the first."""
    return date_of(FIRST + day).isoformat()
