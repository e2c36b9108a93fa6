"""Sums that come to the same bits in any order."""

from collections.abc import Iterator
from random import Random

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.profiles.bench import Bench

from mia.profiles.exact import MONEY_GRAINS, QUANTITY_GRAINS, money_grains, quantity_grains, whole

NUMBERS = ibis.table({"number": "float64"}, name="numbers")
RECORDS = ibis.table({"kind": "string", "quantity": "float64"}, name="records")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def grains_of(bench: Bench, numbers: list[float]) -> list[float]:
    query = ibis.to_sql(NUMBERS.select(grains=money_grains(NUMBERS.number)))
    return bench.run(query, numbers=pa.table({"number": pa.array(numbers, pa.float64())}))["grains"].to_pylist()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3 * 10**5), max_size=30), st.integers(0, 9))
def test_kopecks_add_up_without_error_in_any_order(bench: Bench, kopecks: list[int], seed: int) -> None:
    grains = grains_of(bench, [amount / 100 for amount in kopecks])
    assert all(amount.is_integer() for amount in grains)
    assert sum(grains) / MONEY_GRAINS == sum(kopecks) / 100
    Random(seed).shuffle(grains)
    assert sum(grains) / MONEY_GRAINS == sum(kopecks) / 100


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1e5), max_size=20), st.integers(0, 9))
def test_money_of_any_number_of_digits_adds_up_to_the_same_bits_in_any_order(
    bench: Bench, amounts: list[float], seed: int
) -> None:
    grains = grains_of(bench, amounts)
    total = sum(grains)
    Random(seed).shuffle(grains)
    assert sum(grains) == total
    # Half a grain a charge, and what a float of that size cannot say.
    assert total / MONEY_GRAINS == pytest.approx(sum(amounts), rel=1e-12, abs=5e-10 * len(amounts))


def test_whole_numbers_beyond_every_integer_stay_themselves(bench: Bench) -> None:
    numbers = [0.0, 0.4, 0.5, 1.0, 2.0**53, 1e19, 1e200]
    found = bench.run(
        ibis.to_sql(NUMBERS.select(whole=whole(NUMBERS.number))), numbers=pa.table({"number": pa.array(numbers)})
    )
    assert found["whole"].to_pylist() == [0.0, 0.0, 1.0, 1.0, 2.0**53, 1e19, 1e200]


def test_bytes_count_as_they_are_and_all_else_in_millionths(bench: Bench) -> None:
    records = pa.table({"kind": ["data", "data", "voice", "purchase"], "quantity": [3.0, 3.6, 1.25, 0.0000014]})
    found = bench.run(ibis.to_sql(RECORDS.select(grains=quantity_grains(RECORDS))), records=records)
    assert found["grains"].to_pylist() == [3.0, 4.0, 1.25 * QUANTITY_GRAINS, 1.0]
