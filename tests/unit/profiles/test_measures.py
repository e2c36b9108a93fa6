"""What a day of records folds into."""

from collections.abc import Iterator
from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.profiles.bench import EMPTY_LAKE, ROLL_UP, ROLL_UP_KEYS, Bench, usage_rows

from mia.profiles.measures import GRAINS, MEASURES, PASSIVE_KINDS, in_grains, roll_up_fingerprint, whole
from mia.timeline import day_of

NUMBERS = ibis.table({"number": "float64"}, name="numbers")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def folded(bench: Bench, *rows: dict[str, object]) -> dict[str, float]:
    """The one roll-up row of these records."""
    (row,) = bench.run(ROLL_UP, usage=usage_rows(*rows)).to_pylist()
    return row


def test_each_kind_of_record_goes_where_it_belongs(bench: Bench) -> None:
    row = folded(
        bench,
        {"kind": "voice", "quantity": 61.0, "charge": 1.0, "direction": "out", "on_net": True},
        {"kind": "voice", "quantity": 30.0, "charge": 0.5, "direction": "in", "roaming": "national"},
        {"kind": "voice", "quantity": 0.0},
        {"kind": "sms", "quantity": 3.0, "charge": 2.0, "direction": "out"},
        {"kind": "data", "quantity": 100.0, "charge": 4.0, "local_hour": 22},
        {"kind": "data", "quantity": 10.0, "roaming": "international", "local_hour": 6},
        {"kind": "data", "quantity": 1.0, "roaming": "home", "local_hour": 5},
        {"kind": "content", "quantity": 2.0, "charge": 8.0, "discount": 0.0},
        {"kind": "purchase", "quantity": 5.0, "charge": 16.0, "discount": 3.0},
        {"kind": "fee", "quantity": 1.0, "charge": 32.0, "discount": 1.5},
        {"kind": "top_up", "quantity": 1.0, "charge": 64.0},
    )
    assert row == {
        "subscriber_id": "s0",
        "local_day": 0,
        "voice_seconds": 91.0,
        "voice_out_seconds": 61.0,
        "voice_on_net_seconds": 61.0,
        "voice_calls": 3.0,
        "sms_quantity": 3.0,
        "data_bytes": 111.0,
        "data_night_bytes": 101.0,
        "data_weekend_bytes": 0.0,
        "data_sessions": 3.0,
        "content_quantity": 2.0,
        "content_charge": 8.0 * GRAINS,
        "roaming_bytes": 10.0,
        "roaming_seconds": 30.0,
        "charge": 63.5 * GRAINS,
        "traffic_charge": 7.5 * GRAINS,
        "top_up_amount": 64.0 * GRAINS,
        "top_up_count": 1.0,
        "active_records": 9.0,
        "discounted_records": 1.0,
        "discount": 4.5 * GRAINS,
    }
    assert set(row) == {"subscriber_id", "local_day", *(measure.name for measure in MEASURES)}


def test_one_row_a_subscriber_and_day(bench: Bench) -> None:
    rows = [{"subscriber_id": who, "local_day": day, "kind": "sms"} for who in "ab" for day in (1, 2, 2)]
    found = bench.run(ROLL_UP, usage=usage_rows(*rows)).to_pylist()
    assert sorted((row["subscriber_id"], row["local_day"], row["sms_quantity"]) for row in found) == [
        ("a", 1, 1.0),
        ("a", 2, 2.0),
        ("b", 1, 1.0),
        ("b", 2, 2.0),
    ]


def test_only_fees_and_top_ups_come_without_anybody_doing_anything() -> None:
    assert set(PASSIVE_KINDS) == {"fee", "top_up"}


def test_weekend_data_is_that_of_saturday_and_sunday(bench: Bench) -> None:
    monday = date(2021, 6, 28)
    days = [day_of(monday + timedelta(days=n)) for n in range(7)]
    rows = [{"local_day": day, "kind": "data", "quantity": 5.0} for day in days]
    found = bench.run(ROLL_UP, usage=usage_rows(*rows)).sort_by("local_day")
    assert found["data_weekend_bytes"].to_pylist() == [0.0] * 5 + [5.0] * 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3 * 10**5), max_size=30))
def test_kopecks_in_grains_add_up_without_error(bench: Bench, kopecks: list[int]) -> None:
    grains = bench.run(
        ibis.to_sql(NUMBERS.select(grains=in_grains(NUMBERS.number))),
        numbers=pa.table({"number": pa.array([amount / 100 for amount in kopecks], pa.float64())}),
    )["grains"].to_pylist()
    assert all(amount.is_integer() for amount in grains)
    assert sum(grains) / GRAINS == sum(kopecks) / 100


def test_whole_numbers_beyond_every_integer_stay_themselves(bench: Bench) -> None:
    numbers = [0.0, 0.4, 0.5, 1.0, 2.0**53, 1e19, 1e200]
    found = bench.run(
        ibis.to_sql(NUMBERS.select(whole=whole(NUMBERS.number))), numbers=pa.table({"number": pa.array(numbers)})
    )
    assert found["whole"].to_pylist() == [0.0, 0.0, 1.0, 1.0, 2.0**53, 1e19, 1e200]


def test_keys_count_records_and_money_of_categories_and_items(bench: Bench) -> None:
    rows = [
        {"kind": "data", "charge": 0.1, "category": "video", "item": "v1"},
        {"kind": "data", "charge": 0.2, "category": "video"},
        {"kind": "content", "charge": 5.0, "item": "v1", "local_day": 1},
        {"kind": "voice", "charge": 7.0},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    assert {(row["local_day"], row["key"]): (row["records"], row["charge"] / GRAINS) for row in found} == {
        (0, "category:video"): (2.0, 0.3),
        (0, "item:v1"): (1.0, 0.1),
        (1, "item:v1"): (1.0, 5.0),
    }
    assert len(bench.run(ROLL_UP_KEYS, usage=EMPTY_LAKE.empty_table())) == 0


def test_a_record_of_several_categories_counts_for_each(bench: Bench) -> None:
    rows = [
        {"kind": "data", "charge": 0.1, "category": "video; films;"},
        {"kind": "data", "charge": 0.2, "category": "films"},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    assert {row["key"]: (row["records"], row["charge"] / GRAINS) for row in found} == {
        "category:video": (1.0, 0.1),
        "category:films": (2.0, 0.3),
    }


def test_keys_count_what_was_had_at_a_discount_by_kind(bench: Bench) -> None:
    rows = [
        {"kind": "purchase", "charge": 2.0, "discount": 0.5},
        {"kind": "purchase", "charge": 1.0, "discount": 0.1},
        {"kind": "purchase", "charge": 4.0, "discount": 0.0},
        {"kind": "content", "charge": 8.0, "discount": 1.0},
        {"kind": "fee", "charge": 16.0, "discount": 1.0},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    assert {row["key"]: (row["records"], row["charge"] / GRAINS) for row in found} == {
        "discount:purchase": (2.0, 3.0),
        "discount:content": (1.0, 8.0),
    }


def test_the_recipe_of_roll_ups_has_a_steady_name() -> None:
    assert roll_up_fingerprint() == roll_up_fingerprint()
    assert len(roll_up_fingerprint()) == 12
