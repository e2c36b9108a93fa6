"""The profile pipeline against hand-written SQL, pandas and the bare scan: `make bench-profiles`.

Every figure of one line comes from one run of this script; ratios are of medians. With `--large` the curve goes on to
200 million records (an hour, 10 GB of disk).
"""

import argparse
import math
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd

from measuring import measure_command
from mia.ports import Engine
from mia.profiles.features import FEATURE_NAMES, build_features, spine_of_day
from mia.services.refresh.fold import fold
from mia.services.refresh.sums import WindowSums
from mia.services.refresh.tables import KEY_SUMS, SUBSCRIBERS, WINDOW_SUMS
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.storage.spark import SparkEngine
from profiles_sql import features_sql, key_sums_sql
from usage_files import FIRST_DAY, Size, add_next_day, write_lake

MEMORY = "1500MB"
COLUMNS = "kind, local_hour, quantity, charge, subscriber_id, direction, on_net, roaming, category, discount, local_day"


def main() -> None:
    """Build lakes of several sizes and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true", help="go on to 200 million records")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--records", type=int, default=20_000_000, help="records of the comparison")
    parser.add_argument("--spark", type=int, metavar="RECORDS", help="only DuckDB beside Spark on this machine, once")
    parser.add_argument("--build", nargs=2, metavar=("LAKE", "DAY"), help="one full build in this process (inner use)")
    asked = parser.parse_args()
    if asked.build:
        lake = ParquetLake(Path(asked.build[0]))
        build(lake, DuckDBEngine(2, MEMORY, lake.folder / "spill"), int(asked.build[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        if asked.spark:
            beside_spark(Path(name), asked.spark)
            return
        compare(Path(name), asked.records, asked.repeats)
        curve(Path(name), asked.records, large=asked.large)


def build(lake: ParquetLake, engine: Engine, as_of: int) -> None:
    """Full build: fold every day, add up the windows, write the features."""
    fold(lake, engine)
    write_features(lake, engine, as_of)


def write_features(lake: ParquetLake, engine: Engine, as_of: int) -> None:
    """Bring the sums of a day and write its features beside the lake."""
    sums = WindowSums(lake, engine)
    for place, only in enumerate(sums.bring(as_of)):
        with engine.open() as session:
            people = only.of(session.read(lake.paths(SUBSCRIBERS)))
            windows = session.read(sums.files(WINDOW_SUMS, as_of, place))
            keys = session.read(sums.files(KEY_SUMS, as_of, place))
            spine = session.table(session.fetch(spine_of_day(people, windows, as_of)))
            features = build_features(windows, keys, people, spine)
            session.write(features, lake.folder / f"features-{place}.parquet")


def compare(folder: Path, records: int, repeats: int) -> None:
    """Full build, refresh, peer, scan and pandas on one lake."""
    size = Size(records // 100, 121, records // 120 * 121)
    lake = write_lake(folder / "lake", size, days=120)
    engine = DuckDBEngine(2, MEMORY, lake.folder / "spill")
    as_of = FIRST_DAY + 120
    times: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.perf_counter()
        work()
        times.setdefault(name, []).append(time.perf_counter() - started)

    for _ in range(repeats):
        timed("scan", lambda: _scan(lake))
        _forget(lake)
        timed("build", lambda: build(lake, engine, as_of))
        timed("sql", lambda: _peer(lake, folder, as_of))
    _check(lake, folder)
    add_next_day(lake, size, as_of)

    def refresh() -> None:
        fold(lake, engine)
        write_features(lake, engine, as_of + 1)

    for _ in range(repeats):
        timed("refresh", refresh)
        _forget(lake, days=[as_of], sums=as_of + 1)
    few = _pandas(lake, as_of, timed, repeats)
    found = {name: statistics.median(each) for name, each in times.items()}
    print(f"{records:,} records, {size.subscribers:,} subscribers, 120 days, {len(FEATURE_NAMES)} features, 2 threads")
    print(f"full build {found['build']:.1f} s; bare scan {found['scan']:.1f} s: {found['build'] / found['scan']:.1f} x")
    print(f"hand-written SQL {found['sql']:.1f} s: build is {found['build'] / found['sql']:.2f} x (asked <= 1.5)")
    print(f"refresh for one new day {found['refresh']:.1f} s: {found['refresh'] / found['build']:.1%} (asked <= 10 %)")
    speed = (records / found["build"]) / (few / found["pandas"])
    print(
        f"pandas, {few:,} records, the windowed sums alone {found['pandas']:.1f} s: "
        f"the build of everything is {speed:.1f} x as fast a record (asked >= 5)"
    )


def _check(lake: ParquetLake, folder: Path) -> None:
    """Both sides computed the same: the largest relative difference of any feature."""
    names = ", ".join(
        f"max(abs(a.{name} - b.{name}) / greatest(abs(a.{name}), 1)), count(a.{name}) - count(b.{name})"
        for name in FEATURE_NAMES
    )
    ours, theirs = f"'{lake.folder}/features-*.parquet'", f"'{folder}/peer.parquet'"
    found = duckdb.sql(f"SELECT {names} FROM {ours} a JOIN {theirs} b USING (subscriber_id)").fetchall()[0]
    worst = max(value or 0 for value in found[::2])
    print(f"largest difference of any feature {worst:.1e}, nulls alike: {not any(found[1::2])}")


def curve(folder: Path, records: int, *, large: bool) -> None:
    """Time and peak memory of the full build in a process of its own, size by size."""
    sizes = [records // 10, records, *([records * 10] if large else [])]
    points = []
    for total in sizes:
        lake = folder / f"curve-{total}"
        write_lake(lake, Size(total // 100, 120, total))
        run = measure_command([sys.executable, __file__, "--build", str(lake), str(FIRST_DAY + 120)])
        points.append((total, run.seconds))
        print(f"{total:,} records: {run.seconds:.1f} s with start-up, peak {run.peak_mib:.0f} MiB")
        shutil.rmtree(lake)
    slopes = [
        math.log(points[place + 1][1] / points[place][1]) / math.log(points[place + 1][0] / points[place][0])
        for place in range(len(points) - 1)
    ]
    print("exponents of time over records: " + ", ".join(f"{slope:.2f}" for slope in slopes) + " (asked <= 1.1)")


def beside_spark(folder: Path, records: int) -> None:
    """The same full build on DuckDB and on Spark with two local threads, each once, Spark already started."""
    size = Size(max(records // 100, 1), 120, records)
    spark = SparkEngine("local[2]", partitions=4)
    spark.application()
    for name, engine in (("DuckDB", DuckDBEngine(2, MEMORY, folder / "spill")), ("Spark", spark)):
        lake = write_lake(folder / name, size)
        started = time.perf_counter()
        build(lake, engine, size.as_of)
        print(f"{name}, {records:,} records: {time.perf_counter() - started:.1f} s")
    spark.stop()


def _forget(lake: ParquetLake, days: list[int] | None = None, sums: int | None = None) -> None:
    with lake.change() as change:
        for table in ("daily", "daily_keys"):
            change.drop(table, days)
        for table in (WINDOW_SUMS, KEY_SUMS):
            change.drop(table, None if sums is None else [sums])
        change.commit()


def _connect(lake: ParquetLake) -> duckdb.DuckDBPyConnection:
    return DuckDBEngine(2, MEMORY, lake.folder / "spill").connect()


def _usage(lake: ParquetLake) -> str:
    files = ", ".join(f"'{path}'" for path in lake.paths("usage"))
    return f"read_parquet([{files}])"


def _scan(lake: ParquetLake) -> None:
    columns = ", ".join(f"max({name})" for name in COLUMNS.split(", "))
    _connect(lake).execute(f"SELECT {columns} FROM {_usage(lake)}").fetchall()


def _peer(lake: ParquetLake, folder: Path, as_of: int) -> None:
    people = f"read_parquet('{lake.paths(SUBSCRIBERS)[0]}')"
    connection = _connect(lake)
    for query, name in (
        (features_sql(_usage(lake), people, as_of), "peer"),
        (key_sums_sql(_usage(lake), as_of), "keys"),
    ):
        connection.execute(f"COPY ({query}) TO '{folder}/{name}.parquet' (FORMAT parquet)")


def _pandas(lake: ParquetLake, as_of: int, timed: Callable[[str, Callable[[], object]], None], repeats: int) -> int:
    """The windowed sums alone, in pandas, on a quarter of the days."""
    paths = lake.paths("usage", range(as_of - 30, as_of))
    frame = pd.concat([pd.read_parquet(path, columns=COLUMNS.split(", ")) for path in paths])
    for _ in range(repeats):
        timed("pandas", lambda: pandas_features(frame, as_of))
    return len(frame)


def pandas_features(usage: pd.DataFrame, as_of: int) -> pd.DataFrame:
    """Sums of quantity, charge and records by kind, window and condition, as one would write them in pandas."""
    usage = usage.assign(age=as_of - usage["local_day"], one=1.0)
    conditions = {
        "": slice(None),
        "_out": usage["direction"].eq("out"),
        "_net": usage["on_net"].eq(True),
        "_away": usage["roaming"].isin(["national", "international"]),
        "_night": usage["local_hour"].ge(22) | usage["local_hour"].lt(6),
        "_work": usage["local_hour"].between(9, 17),
    }
    parts = []
    for days in (7, 30, 90):
        inside = usage["age"].le(days)
        for name, condition in conditions.items():
            chosen = usage[inside] if name == "" else usage[inside & condition]
            found = chosen.groupby(["subscriber_id", "kind"])[["one", "quantity", "charge"]].sum().unstack("kind")
            parts.append(found.add_suffix(f"{name}_{days}"))
    return pd.concat(parts, axis=1)


if __name__ == "__main__":
    main()
