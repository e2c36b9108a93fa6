"""Time and peak memory of `mia validate` beside the bare scan of the columns it needs: `make bench-validate`."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from measuring import measure_command
from mia.storage.lake import ParquetLake
from mia.timeline import date_of

SIZES = ((20_000, 2_000_000), (200_000, 20_000_000))
FIRST_DAY, DAYS, REPEATS = 18_628, 120, 3
COLUMNS = ("subscriber_id", "local_day", "known_day", "sign", "version", "kind", "quantity", "charge", "category")
PEOPLE = """SELECT format('s{:09d}', i) AS subscriber_id, format('region {:02d}', i % 80) AS region,
    DATE '2019-01-01' + CAST(i % 700 AS INTEGER) AS activated_on, 'start' AS tariff, 1024 AS tariff_data_mb
FROM range(?) AS made (i)"""
USAGE = """SELECT format('s{:09d}', hash(i, 1) % $people) AS subscriber_id, $day * 86400 + i % 86400 AS occurred_at,
    $day AS local_day, CAST(i % 24 AS INTEGER) AS local_hour, CAST($day + (i % 50 = 0)::INT AS INTEGER) AS known_day,
    ['data', 'data', 'voice', 'sms', 'content', 'top_up'][1 + CAST(hash(i, 2) % 6 AS INTEGER)] AS kind,
    1 AS sign, 1 AS version,
    exp((hash(i, 3) % 1000) / 100.0) AS quantity, (hash(i, 4) % 3) * 1.5 AS charge,
    format('r{:012d}', i) AS record_id, 'video' AS category
FROM range($first, $first + $records) AS made (i) ORDER BY subscriber_id"""


def main() -> None:
    """Make lakes, validate them, and print seconds, peak memory and the time of the scan."""
    mia = str(Path(sys.executable).with_name("mia"))
    for people, records in SIZES:
        with tempfile.TemporaryDirectory() as name:
            home, page = f"{name}/home", f"{name}/report.html"
            lake = _make_lake(Path(home) / "lake", people, records // DAYS)
            scan = statistics.median(_scan(lake.paths("usage")) for _ in range(REPEATS))
            as_of = date_of(FIRST_DAY + DAYS).isoformat()
            command = [mia, "validate", "--as-of", as_of, "--format", "json", "--html", page, "--home", home]
            # A verdict of FAIL is an answer as well.
            runs = [measure_command(["bash", "-c", '"$@" || test $? -eq 1', "_", *command]) for _ in range(REPEATS)]
        print(
            f"{records:,} records of {people:,} subscribers: {statistics.median(run.seconds for run in runs):.1f} s "
            f"with start-up and page, peak {max(run.peak_mib for run in runs):.0f} MiB; "
            f"bare scan of the columns {scan:.2f} s"
        )


def _make_lake(folder: Path, people: int, daily: int) -> ParquetLake:
    lake = ParquetLake(folder)
    with lake.change() as change, duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        path = change.folder() / "subscribers.parquet"
        connection.sql(PEOPLE, params=[people]).write_parquet(str(path))
        change.add("subscribers", path, rows=people, load="made")
        for place in range(DAYS):
            day, path = FIRST_DAY + place, change.folder() / f"usage-{place}.parquet"
            given = {"people": people, "day": day, "first": place * daily, "records": daily}
            connection.sql(USAGE, params=given).write_parquet(str(path), compression="zstd")
            change.add("usage", path, rows=daily, load="made", day=day)
        change.commit()
    return lake


def _scan(paths: list[str]) -> float:
    started = time.perf_counter()
    facts = ", ".join(f"max({column})" for column in COLUMNS)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute(f"SELECT {facts} FROM read_parquet(?, hive_partitioning = false)", [paths]).fetchall()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
