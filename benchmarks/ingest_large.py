"""A CSV file many times larger than the memory it is loaded with: `make bench-ingest-large SIZE=10` (gigabytes).

The file is made in a temporary folder, loaded by `mia ingest` in a process of its own, counted, and deleted again.
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from measuring import measure_command

GIGABYTE = 10**9
SUBSCRIBERS, DAYS = 200_000, 120
PEAK_MIB = 2048
# DuckDB holds itself to its own limit; the rest is the interpreter, libraries, and what the engine does not count.
MEMORY_LIMIT = "1400MB"
RECORDS = """
COPY (
    WITH drawn AS (
        SELECT i, list_transform(range(8), lambda k: CAST(hash(i, k) // 4096 AS BIGINT)) AS d
        FROM range({rows}) AS numbers (i)
    )
    SELECT
        's' || lpad(CAST(d[1] % {subscribers} AS VARCHAR), 7, '0') AS subscriber_id,
        strftime(TIMESTAMP '2021-01-01' + to_seconds(d[2] % ({days} * 86400)), '%Y-%m-%dT%H:%M:%SZ') AS occurred_at,
        ['voice', 'sms', 'data', 'data'][d[3] % 4 + 1] AS kind,
        d[4] % 100000 AS quantity,
        round(d[5] % 1000 / 100, 2) AS charge,
        'rec-' || lpad(CAST(i AS VARCHAR), 12, '0') AS record_id,
        ['in', 'out'][d[6] % 2 + 1] AS direction,
        ['true', 'false'][d[7] % 2 + 1] AS on_net,
        ['home', 'home', 'national', 'international'][d[7] // 2 % 4 + 1] AS roaming,
        'category-' || d[8] % 50 AS category
    FROM drawn
) TO '{path}' (FORMAT csv, HEADER)
"""


def main(gigabytes: float) -> None:
    """Make the file, load it, print rows a second and peak memory; exit code 1 when a bound is missed."""
    mia = str(Path(sys.executable).with_name("mia"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_subscribers(folder / "subscribers.csv")
        rows = _write_usage(folder / "usage.csv", gigabytes * GIGABYTE)
        size = (folder / "usage.csv").stat().st_size
        print(f"usage.csv: {rows:,} rows, {size / GIGABYTE:.2f} GB; DuckDB may use {MEMORY_LIMIT}")
        home = folder / "home"
        run = measure_command([mia, "ingest", name, "--home", str(home)], MIA_MEMORY_LIMIT=MEMORY_LIMIT)
        loaded = duckdb.sql(f"SELECT count(*) FROM '{home}/lake/**/usage-*.parquet'").fetchall()[0][0]
    print(f"ingest: {run.seconds:.0f} s, {rows / run.seconds:,.0f} rows/s, {size / run.seconds / 1e6:.0f} MB/s")
    print(f"peak {run.peak_mib:,.0f} MiB, bound {PEAK_MIB:,} MiB; {loaded:,} of {rows:,} rows in the lake")
    sys.exit(loaded != rows or run.peak_mib > PEAK_MIB)


def _write_subscribers(path: Path) -> None:
    duckdb.sql(
        f"COPY (SELECT 's' || lpad(CAST(i AS VARCHAR), 7, '0') AS subscriber_id, 'Sverdlovsk' AS region, "
        f"DATE '2020-01-01' AS activated_on FROM range({SUBSCRIBERS}) AS numbers (i)) TO '{path}' (FORMAT csv, HEADER)"
    )


def _write_usage(path: Path, size: float) -> int:
    """Write records until the file has about that many bytes; returns their number."""
    sample = path.with_name("sample")
    _copy(sample, 10_000)
    rows = int(size / sample.stat().st_size * 10_000)
    sample.unlink()
    started = time.perf_counter()
    _copy(path, rows)
    print(f"made in {time.perf_counter() - started:.0f} s")
    return rows


def _copy(path: Path, rows: int) -> None:
    duckdb.sql(RECORDS.format(subscribers=SUBSCRIBERS, days=DAYS, rows=rows, path=path))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
