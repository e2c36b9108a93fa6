"""A snapshot of five million subscribers: publishing, size, opening and random reads: `make bench-profile-store`."""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import lmdb
import numpy as np

from measuring import measure_command
from mia.frames import OfferHistory, Profiles, SparseBlock
from mia.storage.profile_store import LmdbProfileStore

SUBSCRIBERS, CHUNK, FEATURES, DAY = 5_000_000, 100_000, 100, 18_809
READS, BATCH, REPEATS = 300_000, 1_000, 5
USAGE = ("records_30d", "records_90d", "records_365d", "days_365d", "charge_365d", "fresh")
RESPONSES = ("impressions", "connections", "declines", "fresh_connections")
KEYS_A_SUBSCRIBER = 12
"""Usage keys of a subscriber on average; a quarter as many response keys."""


def main() -> None:
    """Publish with and without sparse keys, each in a process of its own, and read each in fresh ones."""
    subscribers = int(sys.argv[1]) if len(sys.argv) > 1 else SUBSCRIBERS
    print(f"{subscribers:,} subscribers x {FEATURES} features and 8 attributes, in chunks of {CHUNK:,}; one core")
    with tempfile.TemporaryDirectory() as name:
        for keys in (0, KEYS_A_SUBSCRIBER):
            folder = f"{name}/{keys}"
            # Made as they are published, but not published: what the making of the profiles itself costs.
            bare = _run("make", folder, str(subscribers), str(keys))
            run = _run("publish", folder, str(subscribers), str(keys))
            (data,) = Path(folder).glob("*/data.mdb")
            print(f"\nwith {keys} usage keys and {keys // 4} response keys a subscriber")
            took, making = run["seconds"] - bare["seconds"], bare["seconds"]
            print(f"  publish: {took:.1f} s, {subscribers / took:,.0f} subscribers/s, and {making:.1f} s to make them")
            print(f"  peak memory: {run['peak_mib']:.0f} MiB, {bare['peak_mib']:.0f} MiB of it without publishing")
            print(f"  size: {data.stat().st_size / subscribers:.0f} bytes a subscriber, all in all")
            opened = [_run("open", folder)["opening"] for _ in range(REPEATS)]
            print(f"  opening: {1e3 * statistics.median(opened):.1f} ms, first read included; medians of {REPEATS}")
            reads = [_run("read", folder, str(subscribers), str(repeat)) for repeat in range(REPEATS)]
            for way, what in (
                ("raw", "bare LMDB get of the same keys"),
                ("find", "find, one at a time"),
                ("find_many", f"find_many, {BATCH:,} at a time"),
            ):
                rates = [run[way] for run in reads]
                rate = statistics.median(rates)
                print(
                    f"  {what}: {rate:,.0f} reads/s, {1e6 / rate:.1f} us each ({min(rates):,.0f} to {max(rates):,.0f})"
                )
            print(f"  other processes wanted {os.getloadavg()[1]:.1f} cores meanwhile, of {os.cpu_count()}")
        _compare_plain(name, subscribers)


def _compare_plain(name: str, subscribers: int) -> None:
    """What rows of plain singles would cost: the design that was not taken."""
    for length in (12, 32):
        folder = f"{name}/plain-{length}"
        _run("plain", folder, str(subscribers // 10), str(length))
        size = Path(folder, "data.mdb").stat().st_size / (subscribers // 10)
        rate = _run("read-plain", folder, str(subscribers // 10), str(length))["plain"]
        print(f"\nplain rows, ids of {length} characters: {size:.0f} bytes a subscriber, {rate:,.0f} reads/s at a time")


def _run(*arguments: str) -> dict[str, float]:
    run = measure_command([sys.executable, __file__, "--", *arguments])
    return {"seconds": run.seconds, "peak_mib": run.peak_mib, **json.loads(run.output or "{}")}


def make(subscribers: int, keys: int) -> Iterator[Profiles]:
    """Profiles as an operator has them: a third of the features 0, some unknown, some small counts, some amounts."""
    rng = np.random.default_rng(7)
    idle = rng.choice([0.2, 0.35, 0.9], FEATURES, p=[0.5, 0.35, 0.15])
    unknown = rng.choice([0.0, 0.1, 0.4], FEATURES, p=[0.6, 0.25, 0.15])
    counted = rng.random(FEATURES) < 0.3
    words = {
        "region": [f"region {number}" for number in range(85)],
        "macro_region": ["Урал", "Сибирь", "Волга", "Юг", "Центр", "Северо-Запад", "Дальний Восток", None],
        "tariff": [f"tariff {number}" for number in range(300)],
        "timezone": [f"zone {number}" for number in range(11)],
        "device": [f"device {number}" for number in range(6000)],
        "birth_year": [None, *map(float, range(1940, 2010))],
        "personalisation": [1.0, 1.0, 1.0, 0.0],
        "arm": ["mia", "control"],
    }
    choices = {name: _objects(given) for name, given in words.items()}
    for start in range(0, subscribers, CHUNK):
        count = min(CHUNK, subscribers - start)
        shape = (count, FEATURES)
        numeric = rng.standard_exponential(shape, np.float32) * np.float32(40)
        numeric[:, counted] = np.floor(numeric[:, counted])
        chance = rng.random(shape, np.float32)
        numeric[chance < idle] = 0
        numeric[chance > 1 - unknown] = np.nan
        attributes = {name: given[rng.integers(len(given), size=count)] for name, given in choices.items()}
        yield Profiles(
            _objects([_id(number) for number in range(start, start + count)]),
            np.full(count, DAY),
            tuple(f"feature_{place}" for place in range(FEATURES)),
            numeric,
            attributes,
            _block(rng, count, keys, USAGE, "item"),
            _block(rng, count, keys // 4, RESPONSES, "offer"),
        )


def _id(number: int) -> str:
    return f"{7_900_000_000 + 7 * number:012d}"


def _objects(values: list[object]) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _block(rng: np.random.Generator, rows: int, keys: int, measures: tuple[str, ...], axis: str) -> SparseBlock:
    if not keys:
        return SparseBlock.empty(rows, measures)
    counts = rng.poisson(keys, rows)
    entries = int(counts.sum())
    values = np.floor(rng.standard_exponential((entries, len(measures))) * 5)
    values[:, -1] = np.floor(values[:, -1] * 2**40 * 0.3) / 2**40
    values[:, -2] *= 0.99 if axis == "item" else 1.0
    vocabulary = _objects([f"{axis}:{number}" for number in range(2000)])
    codes = np.minimum(rng.zipf(1.4, entries) - 1, 1999)
    return SparseBlock(np.concatenate([[0], np.cumsum(counts)]), codes, vocabulary, values, measures)


def publish(folder: str, subscribers: int, keys: int) -> None:
    history = OfferHistory(np.asarray([DAY]), (), (), np.zeros((1, 0, 0)), np.zeros((1, 0, 0)))
    LmdbProfileStore(Path(folder)).publish(DAY, make(subscribers, keys), history, "bench")


def open_one(folder: str) -> dict[str, float]:
    """Seconds from nothing to the first profile."""
    started = time.perf_counter()
    store = LmdbProfileStore(Path(folder))
    assert store.find(str(store.current()), _id(0)) is not None
    return {"opening": time.perf_counter() - started}


def read(folder: str, subscribers: int, seed: int) -> dict[str, float]:
    """Random reads a second of one core, by its own clock, of pages that are in memory."""
    picked = random.Random(seed)  # noqa: S311 - a draw, no secret
    store = LmdbProfileStore(Path(folder))
    name = str(store.current())
    ids = [_id(picked.randrange(subscribers)) for _ in range(READS)]
    store.find_many(name, ids)
    started = time.process_time()
    for subscriber_id in ids:
        assert store.find(name, subscriber_id) is not None
    found = time.process_time()
    for start in range(0, READS, BATCH):
        assert store.find_many(name, ids[start : start + BATCH])[1].all()
    ended = time.process_time()
    store.close()
    keys = [one.encode() for one in ids]
    with lmdb.open(f"{folder}/{name}", readonly=True, lock=False) as bare, bare.begin() as reader:
        for _ in range(2):
            begun = time.process_time()
            for key in keys:
                assert reader.get(key) is not None
            raw = time.process_time() - begun
    return {"find": READS / (found - started), "find_many": READS / (ended - found), "raw": READS / raw}


def publish_plain(folder: str, subscribers: int, length: int) -> None:
    """Rows of singles and sixteen-bit numbers of the attributes, as they are."""
    with lmdb.open(folder, map_size=2**36, lock=False, sync=False) as store:
        for chunk in make(subscribers, 0):
            codes = np.zeros((len(chunk), len(chunk.attributes)), np.uint16)
            rows = np.hstack([chunk.numeric.view(np.uint8), codes.view(np.uint8)])
            with store.begin(write=True) as out, out.cursor() as cursor:
                cursor.putmulti(
                    [
                        (f"{one:>{length}}".encode(), row.tobytes())
                        for one, row in zip(chunk.subscriber_ids, rows, strict=True)
                    ],
                    append=True,
                )


def read_plain(folder: str, subscribers: int, length: int) -> dict[str, float]:
    picked = random.Random(1)  # noqa: S311
    keys = [f"{_id(picked.randrange(subscribers)):>{length}}".encode() for _ in range(READS)]
    with lmdb.open(folder, readonly=True, lock=False) as store, store.begin() as reader:
        for _ in range(2):
            begun = time.process_time()
            for start in range(0, READS, BATCH):
                packed = b"".join(map(reader.get, keys[start : start + BATCH]))
                rows = np.frombuffer(packed, np.uint8).reshape(BATCH, -1)
                assert np.ascontiguousarray(rows[:, : 4 * FEATURES]).view(np.float32).shape == (BATCH, FEATURES)
            taken = time.process_time() - begun
    return {"plain": READS / taken}


def child(way: str, folder: str, *rest: str) -> None:
    match way:
        case "make":
            assert sum(len(chunk) for chunk in make(int(rest[0]), int(rest[1]))) == int(rest[0])
        case "publish":
            publish(folder, int(rest[0]), int(rest[1]))
        case "open":
            print(json.dumps(open_one(folder)))
        case "plain":
            publish_plain(folder, int(rest[0]), int(rest[1]))
        case "read-plain":
            print(json.dumps(read_plain(folder, int(rest[0]), int(rest[1]))))
        case "read":
            print(json.dumps(read(folder, int(rest[0]), int(rest[1]))))


if __name__ == "__main__":
    if "--" in sys.argv:
        child(*sys.argv[sys.argv.index("--") + 1 :])
    else:
        main()
