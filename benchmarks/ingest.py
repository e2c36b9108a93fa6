"""Rows a second of ingest beside the bare reading of the same files, on a simulated operator: `make bench-ingest`."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from measuring import measure_command

SUBSCRIBERS, MONTHS, REPEATS = "10000", "3", 3


def main() -> None:
    """Simulate, ingest and profile; print rows a second, ratios and peak memory."""
    mia = str(Path(sys.executable).with_name("mia"))
    with tempfile.TemporaryDirectory() as name:
        world = Path(name) / "world"
        measure_command(
            [mia, "simulate", "--subscribers", SUBSCRIBERS, "--months", MONTHS, "--seed", "1", "--out", str(world)]
        )
        usage, events = _count(world / "usage"), _count(world / "events.parquet")
        scan = statistics.median(_scan(world / "usage") for _ in range(REPEATS))
        loads, folds = [], []
        for repeat in range(REPEATS):
            home = f"{name}/home-{repeat}"
            loads.append(measure_command([mia, "ingest", str(world), "--home", home]))
            folds.append(measure_command([mia, "profile", "--home", home]))
    rows = usage + events
    load = statistics.median(run.seconds for run in loads)
    fold = statistics.median(run.seconds for run in folds)
    print(f"{usage:,} usage records and {events:,} events of {int(SUBSCRIBERS):,} subscribers; medians of {REPEATS}")
    print(
        f"ingest: {load:.1f} s with start-up, {rows / load:,.0f} rows/s, "
        f"peak {max(run.peak_mib for run in loads):.0f} MiB"
    )
    print(f"bare scan of the usage files: {scan:.2f} s, ingest takes {load / scan:.0f} times that")
    print(f"profile (fold and windows): {fold:.1f} s, peak {max(run.peak_mib for run in folds):.0f} MiB")


def _count(path: Path) -> int:
    pattern = f"{path}/*.parquet" if path.is_dir() else str(path)
    return int(duckdb.sql(f"SELECT count(*) FROM '{pattern}'").fetchall()[0][0])


def _scan(path: Path) -> float:
    started = time.perf_counter()
    facts = "count(DISTINCT subscriber_id), max(epoch_us(occurred_at)), sum(quantity), sum(charge)"
    duckdb.sql(f"SELECT {facts} FROM '{path}/*.parquet'").fetchall()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
