"""A year of real records through `mia ingest` and `mia profile`, checked against figures computed from the raw files.

    python benchmarks/megaline.py FOLDER [HOME]

FOLDER holds megaline_users.csv, megaline_plans.csv and megaline_{calls,internet,messages}.csv.gz: 500 subscribers
of 2018. Ends with exit code 1 when a figure differs.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from mia.storage.lake import ParquetLake

MAPPING = Path(__file__).parents[1] / "data" / "sample" / "mappings" / "megaline.yaml"
MONTHS = [date(2018, month, 1) for month in range(2, 13)] + [date(2019, 1, 1)]

# Published with the records: minutes per call rounded up, megabytes per month rounded up to gigabytes.
KNOWN = {"active users": 490, "user-months": 2293, "mean bill": 64.35, "surf": 60.71, "ultimate": 72.31}

# One bill a subscriber and month, from months with user_id, month, plan, minutes, messages and megabytes.
BILLS = """
SELECT user_id, month, plan, usd_monthly_pay
    + greatest(0, minutes - minutes_included) * usd_per_minute
    + greatest(0, messages - messages_included) * usd_per_message
    + greatest(0, ceil(megabytes / 1024) - mb_per_month_included / 1024) * usd_per_gb AS bill
FROM months JOIN plans ON plan = plan_name
"""

FROM_LAKE = """
SELECT subscriber_id AS user_id, month, any_value(tariff) AS plan,
    coalesce(sum(quantity) FILTER (kind = 'voice'), 0) / 60 AS minutes,
    coalesce(sum(quantity) FILTER (kind = 'sms'), 0) AS messages,
    coalesce(sum(quantity) FILTER (kind = 'data'), 0) / 1048576 AS megabytes
FROM (
    SELECT subscriber_id, kind, local_day, month(DATE '1970-01-01' + local_day) AS month, sum(quantity) AS quantity
    FROM usage GROUP BY ALL
) JOIN subscribers USING (subscriber_id) GROUP BY ALL
"""

FROM_RAW = """
WITH calls AS (
    SELECT user_id, month(call_date) AS month, sum(ceil(duration)) AS minutes FROM raw_calls GROUP BY ALL
), sessions AS (
    SELECT user_id, month(session_date) AS month, sum(mb_used) AS megabytes FROM raw_internet GROUP BY ALL
), texts AS (
    SELECT user_id, month(message_date) AS month, count(*) AS messages FROM raw_messages GROUP BY ALL
)
SELECT user_id::VARCHAR AS user_id, month, plan, coalesce(minutes, 0) AS minutes, coalesce(messages, 0) AS messages,
    coalesce(megabytes, 0) AS megabytes
FROM calls FULL JOIN sessions USING (user_id, month) FULL JOIN texts USING (user_id, month)
JOIN raw_users USING (user_id)
"""


def run(home: Path, *words: str | Path) -> float:
    """Run one `mia` command in its own process; returns its seconds."""
    started = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("mia"), "--home", home, *words], check=True)
    return time.perf_counter() - started


def figures(connection: duckdb.DuckDBPyConnection, months: str) -> dict[str, float]:
    """Active users, user-months with usage, and mean monthly bills, in all and by plan."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE months AS {months}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bills AS {BILLS}")
    users, rows, mean = connection.execute("SELECT count(DISTINCT user_id), count(*), avg(bill) FROM bills").fetchall()[
        0
    ]
    by_plan = dict(connection.execute("SELECT plan, avg(bill) FROM bills GROUP BY plan").fetchall())
    return {"active users": users, "user-months": rows, "mean bill": round(mean, 2)} | {
        plan: round(bill, 2) for plan, bill in sorted(by_plan.items())
    }


def monthly_differences(connection: duckdb.DuckDBPyConnection, profiles: Path, day: date) -> int:
    """Subscribers whose profile of one day tells another sum of the last 30 days than the raw files do, whose sessions
    count in whole bytes.
    """
    window = f"BETWEEN DATE '{day}' - 30 AND DATE '{day}' - 1"
    return connection.execute(
        f"""
        WITH calls AS (
            SELECT user_id::VARCHAR AS id, sum(ceil(duration)) AS minutes FROM raw_calls
            WHERE call_date {window} GROUP BY ALL
        ), sessions AS (
            SELECT user_id::VARCHAR AS id, sum(floor(mb_used * 1048576 + 0.5)) / 1048576 AS megabytes FROM raw_internet
            WHERE session_date {window} GROUP BY ALL
        ), texts AS (
            SELECT user_id::VARCHAR AS id, count(*) AS messages FROM raw_messages
            WHERE message_date {window} GROUP BY ALL
        ), users AS (
            SELECT user_id::VARCHAR AS id FROM raw_users WHERE reg_date <= DATE '{day}'
        ), truth AS (
            SELECT id, coalesce(minutes, 0) AS minutes, coalesce(megabytes, 0) AS megabytes,
                coalesce(messages, 0) AS messages
            FROM users LEFT JOIN calls USING (id) LEFT JOIN sessions USING (id) LEFT JOIN texts USING (id)
        )
        SELECT count(*) FROM truth FULL JOIN read_parquet('{profiles}') ON truth.id = subscriber_id
        WHERE (abs(voice_minutes_30d - minutes) < 1e-6 AND abs(sms_count_30d - messages) < 1e-6
            AND abs(data_mb_30d - megabytes) < 1e-6) IS NOT TRUE
        """
    ).fetchall()[0][0]


def main() -> int:
    """Load, profile and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("home", type=Path, nargs="?")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = given.home or Path(scratch) / "home"
        seconds = run(home, "ingest", given.folder, "--mapping", MAPPING)
        lake = ParquetLake(home / "lake")
        failures = 0
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            for name in ("users", "plans", "calls", "internet", "messages"):
                file = next(given.folder.glob(f"megaline_{name}.csv*"))
                connection.execute(f"CREATE TABLE raw_{name} AS FROM read_csv('{file}')")
            connection.execute("CREATE VIEW plans AS FROM raw_plans")
            for table in ("usage", "subscribers"):
                connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({lake.paths(table)})")
            records = sum(file.rows for file in lake.files("usage"))
            print(
                f"{records:,} records in {seconds:.1f} s with the start of the process: {records / seconds:,.0f} rows/s"
            )
            for source, months in (("lake", FROM_LAKE), ("raw files", FROM_RAW)):
                found = figures(connection, months)
                print(f"{source}: {found}")
                failures += found != KNOWN
            for day in MONTHS:
                out = Path(scratch) / f"{day}.parquet"
                run(home, "profile", "--as-of", day.isoformat(), "--out", out)
                wrong = monthly_differences(connection, out, day)
                print(f"profiles as of {day}: {wrong} differ from the raw files")
                failures += wrong > 0
    print("all figures agree" if not failures else f"{failures} figures differ")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
