"""The profile pipeline against hand-written SQL, pandas and the bare scan: `make bench-profiles`.

Every figure of one line comes from one run of this script; ratios are of medians. With `--large` the curve goes on to
200 million records (an hour, 10 GB of disk).
"""

import argparse
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path

import altair as alt
import duckdb

from measuring import Clock, measure_command
from mia.drawing import THEMES, dress, render
from mia.ports import Engine
from mia.profiles.features import FEATURE_NAMES, build_features, spine_of_day
from mia.services.refresh.fold import fold
from mia.services.refresh.sums import WindowSums
from mia.services.refresh.tables import KEY_SUMS, SUBSCRIBERS, WINDOW_SUMS
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.storage.spark import SparkEngine
from profiles_pandas import features_pandas
from profiles_sql import features_sql, key_sums_sql
from usage_files import FIRST_DAY, Size, add_next_day, write_lake

MEMORY = "1500MB"
COLUMNS = "kind, local_hour, quantity, charge, subscriber_id, direction, on_net, roaming, category, discount, local_day"


def main() -> None:
    """Build lakes of several sizes and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", action="store_true", help="go on to 200 million records")
    parser.add_argument("--only", choices=("build", "pandas", "curve"), help="only this part")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--records", type=int, default=20_000_000, help="records of the comparison")
    parser.add_argument("--draw", type=Path, metavar="SVG", help="draw the curve into this file")
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
        if asked.only in (None, "build"):
            compare(Path(name), asked.records, asked.repeats)
        if asked.only in (None, "pandas"):
            beside_pandas(Path(name), asked.records // 2, asked.repeats)
        if asked.only in (None, "curve"):
            curve(Path(name), asked.records, large=asked.large, draw=asked.draw)


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
    clock = Clock()
    for _ in range(repeats):
        clock.time("scan", lambda: _scan(lake))
        _forget(lake)
        clock.time("build", lambda: build(lake, engine, as_of))
        clock.time("sql", lambda: _peer(lake, folder, as_of))
    print(f"{records:,} records, {size.subscribers:,} subscribers, 120 days, {len(FEATURE_NAMES)} features, 2 threads")
    _check(lake, folder)
    print(f"full build {clock.of('build')}, bare scan {clock.of('scan')}: {clock.ratio('build', 'scan')}")
    print(f"hand-written SQL {clock.of('sql')}: the build is {clock.ratio('build', 'sql')} (asked <= 1.5 x)")
    add_next_day(lake, size, as_of)

    def refresh() -> None:
        fold(lake, engine)
        write_features(lake, engine, as_of + 1)

    for _ in range(repeats):
        clock.time("refresh", refresh)
        _forget(lake, days=[as_of], sums=as_of + 1)
    print(
        f"refresh for one new day {clock.of('refresh')}: {clock.ratio('refresh', 'build')} the build (asked <= 0.1 x)"
    )
    shutil.rmtree(lake.folder)


def _check(lake: ParquetLake, folder: Path) -> None:
    """Both sides computed the same: the largest relative difference of any feature."""
    names = ", ".join(
        f"max(abs(a.{name} - b.{name}) / greatest(abs(a.{name}), 1)), count(a.{name}) - count(b.{name})"
        for name in FEATURE_NAMES
    )
    ours, theirs = f"'{lake.folder}/features-*.parquet'", f"'{folder}/peer.parquet'"
    found = duckdb.sql(f"SELECT {names} FROM {ours} a JOIN {theirs} b USING (subscriber_id)").fetchall()[0]
    worst, name = max(zip((value or 0 for value in found[::2]), FEATURE_NAMES, strict=True))
    print(f"largest difference of any feature {worst:.1e} ({name}), nulls alike: {not any(found[1::2])}")


def curve(folder: Path, records: int, *, large: bool, draw: Path | None = None) -> None:
    """Time and peak memory of the full build in a process of its own, size by size; drawn into a file when given."""
    sizes = [records // 10, records, *([records * 10] if large else [])]
    points = []
    for total in sizes:
        lake = folder / f"curve-{total}"
        write_lake(lake, Size(total // 100, 120, total))
        run = measure_command([sys.executable, __file__, "--build", str(lake), str(FIRST_DAY + 120)])
        points.append((total, run.cpu_seconds, run.peak_mib))
        print(
            f"{total:,} records: {run.seconds:.1f} s ({run.cpu_seconds:.1f} s of processor) with start-up, "
            f"peak {run.peak_mib:.0f} MiB"
        )
        shutil.rmtree(lake)
    if draw is not None:
        draw.write_text(drawn(points))
    slopes = [
        math.log(points[place + 1][1] / points[place][1]) / math.log(points[place + 1][0] / points[place][0])
        for place in range(len(points) - 1)
    ]
    print(
        "exponents of processor time over records: " + ", ".join(f"{slope:.2f}" for slope in slopes) + " (asked <= 1.1)"
    )


def drawn(points: list[tuple[int, float, float]]) -> str:
    """Processor time and peak memory over records as SVG, both axes logarithmic."""
    rows = [{"records": total / 1e6, "processor": cpu, "memory": peak / 1024} for total, cpu, peak in points]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("records:Q", title="million records", scale=alt.Scale(type="log")),
    )
    paints = THEMES["light"].lines
    charts = [
        base.mark_line(point=True, color=paint)
        .encode(y=alt.Y(f"{name}:Q", title=title, scale=alt.Scale(type=scale)))
        .properties(width=300, height=240)
        for name, title, scale, paint in (
            ("processor", "seconds of processor", "log", paints[0]),
            ("memory", "peak memory, GiB", "linear", paints[1]),
        )
    ]
    return render(dress(alt.hconcat(*charts), THEMES["light"]))


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


def beside_pandas(folder: Path, records: int, repeats: int) -> None:
    """Full build and pandas on one lake that pandas can hold, features compared."""
    size = Size(records // 100, 120, records)
    lake = write_lake(folder / "held", size)
    engine = DuckDBEngine(2, MEMORY, lake.folder / "spill")
    clock = Clock()
    for _ in range(repeats):
        _forget(lake)
        clock.time("build", lambda: build(lake, engine, size.as_of))
        clock.time(
            "pandas",
            lambda: features_pandas(lake.paths("usage"), lake.paths(SUBSCRIBERS)[0], size.as_of).to_parquet(
                folder / "peer.parquet"
            ),
        )
    print(f"beside pandas on {records:,} records:")
    _check(lake, folder)
    print(f"pandas {clock.of('pandas')}: the build is {clock.ratio('pandas', 'build')} as fast (asked >= 5 x)")


if __name__ == "__main__":
    main()
