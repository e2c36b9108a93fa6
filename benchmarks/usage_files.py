"""Usage of any size as the lake keeps it, one parquet file a local day, made with NumPy from a seed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mia.storage.lake import ParquetLake

FIRST_DAY = 18_628  # 2021-01-01
KINDS = np.array(["voice", "sms", "data", "content", "fee", "top_up"], object)
SHARES = (0.33, 0.12, 0.45, 0.03, 0.04, 0.03)
APPS = np.array(["video", "social", "music", "games", "messenger", "maps", "work", "other", "video;social"], object)
ZONES = (2, 3, 5, 7, 10)
HOUR_WEIGHTS = np.array([1, 1, 1, 1, 1, 2, 4, 6, 8, 8, 8, 8, 9, 9, 8, 8, 8, 9, 10, 10, 9, 7, 4, 2], float)


@dataclass(frozen=True)
class Size:
    """How many subscribers, over how many days, with how many records in all."""

    subscribers: int
    days: int
    records: int

    @property
    def as_of(self) -> int:
        """The day after the last one."""
        return FIRST_DAY + self.days


def write_lake(folder: Path, size: Size, *, days: int | None = None, seed: int = 1) -> ParquetLake:
    """A lake with subscribers and usage of the first `days` days (all of them by default)."""
    lake = ParquetLake(folder)
    rng = np.random.default_rng(seed)
    pace = np.cumsum(rng.gamma(1.2, 1.0, size.subscribers))
    pace /= pace[-1]
    ids = pa.array(np.char.add("s", np.char.zfill(np.arange(size.subscribers).astype(str), 9)))
    with lake.change() as change:
        change.folder()
        people = change.folder() / "subscribers.parquet"
        pq.write_table(_people(ids, rng), people)
        change.add("subscribers", people, rows=size.subscribers, load="made")
        for day in range(size.days if days is None else days):
            add_day(change, ids, pace, FIRST_DAY + day, size.records // size.days, seed)
        change.commit()
    return lake


def add_next_day(lake: ParquetLake, size: Size, day: int, *, seed: int = 1) -> None:
    """The usage of one more day."""
    rng = np.random.default_rng(seed)
    pace = np.cumsum(rng.gamma(1.2, 1.0, size.subscribers))
    ids = pa.array(np.char.add("s", np.char.zfill(np.arange(size.subscribers).astype(str), 9)))
    with lake.change() as change:
        add_day(change, ids, pace / pace[-1], day, size.records // size.days, seed)
        change.commit()


def add_day(change: object, ids: pa.Array, pace: np.ndarray, day: int, records: int, seed: int) -> None:
    """One day of usage, by subscriber."""
    path = change.folder() / f"usage-{day}.parquet"  # type: ignore[attr-defined]
    table = make_day(ids, pace, day, records, seed)
    pq.write_table(table, path, compression="zstd", row_group_size=122_880)
    change.add("usage", path, rows=records, load=f"day {day}", day=day)  # type: ignore[attr-defined]


def make_day(ids: pa.Array, pace: np.ndarray, day: int, records: int, seed: int) -> pa.Table:
    """Records of one local day: nulls, zero volumes, roaming and several time zones among them."""
    rng = np.random.default_rng([seed, day])
    who = np.sort(np.searchsorted(pace, rng.random(records))).astype(np.int64)
    kind = rng.choice(len(KINDS), records, p=SHARES)
    hour = rng.choice(24, records, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    zone = np.asarray(ZONES)[who % len(ZONES)]
    voice, data, texts = kind == 0, kind == 2, kind <= 1
    size = np.where(voice, rng.integers(0, 900, records), np.where(data, rng.integers(0, 3e8, records), 1.0))
    quantity = np.where((voice | data) & (rng.random(records) < 0.02), 0.0, size)
    charge = np.select(
        [kind == 5, kind == 4, rng.random(records) < 0.2],
        [rng.integers(1, 20, records) * 50.0, rng.integers(1, 300, records) * 1.0, rng.integers(0, 500, records) / 100],
        0.0,
    )
    second = day * 86_400 + hour * 3_600 + rng.integers(0, 3_600, records) - zone * 3_600
    away = rng.random(records)
    return pa.table(
        {
            "subscriber_id": ids.take(pa.array(who)),
            "occurred_at": pa.array(second, pa.int64()),
            "local_day": pa.array(np.full(records, day), pa.int32()),
            "local_hour": pa.array(hour, pa.int32()),
            "known_day": pa.array(np.full(records, day), pa.int32()),
            "sign": pa.array(np.ones(records), pa.int32()),
            "version": pa.array(np.ones(records), pa.int32()),
            "kind": _words(KINDS, kind, None),
            "quantity": quantity,
            "charge": charge,
            "record_id": pa.array(np.char.add(f"{day}-", np.arange(records).astype(str))),
            "direction": _words(np.array(["in", "out"], object), rng.integers(0, 2, records), ~texts),
            "on_net": pa.array(rng.random(records) < 0.4, mask=~texts),
            "roaming": _words(
                np.array(["home", "national", "international"], object),
                (away > 0.93).astype(int) + (away > 0.97),
                rng.random(records) < 0.1,
            ),
            "discount": pa.array(np.where(charge > 3, 0.5, 0.0), mask=rng.random(records) < 0.9),
            "category": _words(APPS, rng.integers(0, len(APPS), records), ~data | (rng.random(records) < 0.05)),
            "item": pa.nulls(records, pa.string()),
        }
    )


def _people(ids: pa.Array, rng: np.random.Generator) -> pa.Table:
    count = len(ids)
    return pa.table(
        {
            "subscriber_id": ids,
            "region": _words(np.array(["Kurgan", "Sverdlovsk", "Rostov"], object), rng.integers(0, 3, count), None),
            "activated_on": pa.array((FIRST_DAY - rng.integers(-60, 2_000, count)).astype("int32")).cast(pa.date32()),
            "tariff_data_mb": pa.array(rng.choice([0.0, 2_048.0, 15_360.0], count), mask=rng.random(count) < 0.1),
            "tariff_voice_minutes": rng.choice([50.0, 300.0], count),
            "tariff_sms": rng.choice([10.0, 50.0], count),
        }
    )


def _words(words: np.ndarray, codes: np.ndarray, missing: np.ndarray | None) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(codes, mask=missing))
