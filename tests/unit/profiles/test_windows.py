"""Window sums: two ways to the same bits, and the calendar they need."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.unit.profiles.bench import KEY_SUMS, SUMS, Bench, bits, sql
from tests.unit.profiles.operators import random_operator

from mia.profiles.features import WINDOW_COLUMNS
from mia.profiles.keys import advance_keys, edge_days_of_keys
from mia.profiles.windows import advance_windows, edge_days
from mia.profiles.windows.days import is_weekend, pay_days
from mia.timeline import date_of, day_of

NUMBERS = ibis.table({"number": "int64"}, name="numbers")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def on(daily: pa.Table, days: list[int]) -> pa.Table:
    return daily.filter(pc.is_in(daily["local_day"], pa.array(days, pa.int64())))


def shifted(usage: pa.Table, back: int) -> pa.Table:
    """The same records some days before, known on their day."""
    day = pc.subtract(usage["local_day"], back)
    columns = {name: usage[name] for name in usage.column_names} | {"local_day": day, "known_day": day}
    return pa.table(columns)


@pytest.mark.parametrize("seed", [1, 2])
def test_sums_that_move_on_by_a_day_are_those_made_anew(bench: Bench, seed: int) -> None:
    operator = random_operator(Random(seed), people=6, records=500)
    usage = bench.usage(operator.people, operator.records)
    # Twice more, further back, so that records leave the windows of 120 and 365 days as well.
    days, keys = bench.daily(pa.concat_tables(shifted(usage, back) for back in (0, 60, 300)))
    first = day_of(operator.as_of) - 3
    ids = [person.subscriber_id for person in operator.people]
    moved, moved_keys, _ = bench.sums((days, keys), ids, [date_of(first)])
    for as_of in range(first + 1, first + 5):
        edges, key_edges = on(days, edge_days(as_of)), on(keys, edge_days_of_keys(as_of))
        daily, daily_keys = (
            ibis.table(ibis.Schema.from_pyarrow(table.schema), name=name)
            for table, name in ((edges, "edges"), (key_edges, "key_edges"))
        )
        moved = bench.run(sql(advance_windows(SUMS, daily, WINDOW_COLUMNS, as_of)), sums=moved, edges=edges)
        moved_keys = bench.run(sql(advance_keys(KEY_SUMS, daily_keys, as_of)), key_sums=moved_keys, key_edges=key_edges)
        anew, anew_keys, _ = bench.sums((days, keys), ids, [date_of(as_of)])
        assert bits(moved) == bits(anew.select(moved.column_names))
        assert bits(moved_keys) == bits(anew_keys.select(moved_keys.column_names))
        assert len(anew) > 4


def test_edges_are_the_newest_day_and_those_that_leave_a_window() -> None:
    assert edge_days(1000) == [999, 992, 969, 909]
    assert edge_days_of_keys(1000) == [999, 969, 909, 879, 634]


def test_a_weekend_is_saturday_and_sunday(bench: Bench) -> None:
    days = [date(2021, 2, 22) + timedelta(days=number) for number in range(21)]
    found = bench.run(
        sql(NUMBERS.select(weekend=is_weekend(NUMBERS.number))),
        numbers=pa.table({"number": pa.array([day_of(day) for day in days], pa.int64())}),
    )
    assert found["weekend"].to_pylist() == [day.strftime("%a") in ("Sat", "Sun") for day in days]


def test_pay_days_are_days_of_the_month() -> None:
    first, last = day_of(date(2021, 2, 19)), day_of(date(2021, 3, 10))
    assert [date_of(day).isoformat() for day in pay_days(first, last)] == [
        "2021-02-20",
        "2021-02-25",
        "2021-03-05",
        "2021-03-10",
    ]
