"""Features against a plain transcription of their contract, and what every one of them must say of itself."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.profiles.bench import Bench
from tests.unit.profiles.reference import CONTRACT, Person, Record, operators, profile_of

from mia.profiles.features import FEATURE_NAMES, FEATURES, PARTS, WINDOWS, describe, feature_fingerprint
from mia.timeline import date_of

DAY = date(2021, 7, 1)
PERSON = Person("s0", "UTC", date(2021, 1, 1))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def at(
    days: int,
    kind: str,
    quantity: float = 1.0,
    charge: float = 0.0,
    direction: str | None = None,
    discount: float | None = None,
) -> Record:
    """A record at noon some days before DAY."""
    moment = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC) - timedelta(days=days)
    return Record("s0", moment, kind, quantity, charge, direction, discount)


def row_of(bench: Bench, *records: Record) -> dict[str, Any]:
    """Features of PERSON with these records, as of DAY."""
    return bench.features(bench.daily(bench.usage([PERSON], records)), [PERSON], [DAY]).to_pylist()[0]


def numbers(row: dict[str, Any]) -> dict[str, float]:
    """The contract columns, null as NaN."""
    return {name: math.nan if row[name] is None else row[name] for name in CONTRACT}


@settings(max_examples=40, deadline=None)
@given(operators(), st.integers(1, 40))
def test_the_contract_columns_are_what_the_contract_says(
    bench: Bench, operator: tuple[list[Person], list[Record], date], before: int
) -> None:
    people, records, as_of = operator
    days = [as_of - timedelta(days=before), as_of]
    found = bench.features(bench.daily(bench.usage(people, records)), people, days).to_pylist()
    owners = {person.subscriber_id: person for person in people}
    assert len(found) == len(people) * 2
    for row in found:
        wanted = profile_of(owners[row["subscriber_id"]], records, date_of(row["as_of"]))
        assert set(wanted) == set(CONTRACT)
        assert numbers(row) == pytest.approx(numbers(wanted), rel=1e-9, abs=1e-9, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(operators(whole=True), st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_same_bits_however_records_are_ordered_and_split(
    bench: Bench, operator: tuple[list[Person], list[Record], date], random: Any, parts: int
) -> None:
    people, records, as_of = operator
    usage = bench.usage(people, records)
    shuffled = usage.take(pa.array(random.sample(range(len(usage)), len(usage)), pa.int64()))
    split = [
        shuffled.filter(pa.array([day % parts == part for day in shuffled["local_day"].to_pylist()], pa.bool_()))
        for part in range(parts)
    ]
    once = bench.features(bench.daily(usage), people, [as_of])
    again = bench.features(bench.daily(*split), people, [as_of])
    assert again.equals(once)


@settings(max_examples=15, deadline=None)
@given(operators(), st.integers(1, 40))
def test_no_later_record_changes_a_profile(
    bench: Bench, operator: tuple[list[Person], list[Record], date], before: int
) -> None:
    people, records, last = operator
    as_of = last - timedelta(days=before)
    usage = bench.usage(people, records)
    known = usage.filter(pa.array([date_of(day) < as_of for day in usage["local_day"].to_pylist()], pa.bool_()))
    with_all = bench.features(bench.daily(usage), people, [as_of])
    assert with_all.equals(bench.features(bench.daily(known), people, [as_of]))


def test_a_subscriber_without_records_has_zeros_and_no_shares(bench: Bench) -> None:
    row = row_of(bench)
    counted = [f.name for f in FEATURES if f.aggregate is not None and not f.name.startswith("days_since_")]
    assert {row[name] for name in counted} == {0.0}
    others = {name: row[name] for name in FEATURE_NAMES if name not in counted}
    assert others.pop("tenure_days") == 181.0
    assert set(others.values()) == {None}


@pytest.mark.parametrize("days", WINDOWS)
def test_a_window_ends_the_day_before_and_begins_n_days_before(bench: Bench, days: int) -> None:
    row = row_of(
        bench,
        at(0, "voice", 1e9),
        at(1, "voice", 60),
        at(days, "voice", 120),
        at(days + 1, "voice", 1e6, direction="in"),
    )
    assert row[f"voice_minutes_{days}d"] == 3.0
    assert row[f"voice_calls_{days}d"] == 2.0
    assert row[f"active_days_{days}d"] == 2.0


def test_days_are_active_by_any_record_but_fees_and_top_ups(bench: Bench) -> None:
    row = row_of(
        bench, at(1, "fee", charge=9), at(2, "top_up", charge=9), at(3, "voice", 0), at(4, "purchase"), at(4, "sms")
    )
    assert (row["active_days_7d"], row["active_records_7d"], row["days_since_active"]) == (2.0, 3.0, 3.0)
    assert (row["charge_sum_7d"], row["top_up_sum_7d"], row["days_since_top_up"]) == (9.0, 9.0, 2.0)


def test_shares_of_nothing_are_null_even_where_there_are_sessions(bench: Bench) -> None:
    row = row_of(bench, at(1, "data", 0), at(1, "voice", 0))
    assert (row["data_sessions_7d"], row["voice_calls_7d"], row["active_days_7d"]) == (1.0, 1.0, 1.0)
    assert row["data_night_share_30d"] is row["voice_out_share_30d"] is row["data_trend"] is None


def test_money_adds_up_to_the_nearest_number_there_is(bench: Bench) -> None:
    row = row_of(bench, *(at(day, "data", charge=0.1) for day in range(1, 4)), at(8, "voice", charge=1e9 + 0.25))
    assert (row["charge_sum_7d"], row["traffic_charge_7d"]) == (0.3, 0.3)
    assert row["charge_sum_30d"] == pytest.approx(1e9 + 0.55, rel=1e-15)


def test_discounts_are_counted_added_up_and_set_against_all_records(bench: Bench) -> None:
    row = row_of(
        bench,
        at(1, "content", charge=5.0, discount=1.5),
        at(8, "purchase", charge=5.0, discount=0.5),
        at(8, "purchase", charge=5.0, discount=0.0),
        at(40, "purchase", charge=5.0),
        at(2, "fee", charge=5.0, discount=2.0),
    )
    assert [row[f"discounted_records_{days}d"] for days in WINDOWS] == [1.0, 2.0, 2.0]
    assert [row[f"discount_sum_{days}d"] for days in WINDOWS] == [3.5, 4.0, 4.0]
    assert row["discounted_share_90d"] == 0.5
    assert row_of(bench, at(1, "fee", discount=2.0))["discounted_share_90d"] is None


def test_ratios_and_trends(bench: Bench) -> None:
    row = row_of(
        bench,
        at(1, "data", 7 * 2**20, 7.0),
        at(20, "data", 23 * 2**20, 3.0),
        at(2, "voice", 60, direction="out"),
        at(2, "voice", 180),
        at(80, "top_up", charge=50),
        at(3, "top_up", charge=150),
    )
    assert row["data_trend"] == pytest.approx((7 / 7) / (30 / 30))
    assert row["charge_trend"] == pytest.approx((7 / 7) / (10 / 30))
    assert row["data_mb_per_active_day_30d"] == 10.0
    assert row["charge_per_active_day_30d"] == pytest.approx(10 / 3)
    assert (row["voice_out_share_30d"], row["voice_on_net_share_30d"]) == (0.25, 0.0)
    assert row["top_up_mean_90d"] == 100.0


def test_tenure_counts_from_the_contract_and_is_never_negative(bench: Bench) -> None:
    people = [PERSON, Person("s1", "UTC", DAY), Person("s2", "UTC", DAY + timedelta(days=9))]
    found = bench.features(bench.daily(bench.usage([], [])), people, [DAY])
    assert found["tenure_days"].to_pylist() == [181.0, 0.0, 0.0]


def test_someone_the_subscribers_do_not_know_has_no_tenure(bench: Bench) -> None:
    daily = bench.daily(bench.usage([PERSON], [at(1, "sms", 2)]))
    found = bench.features(daily, [], [DAY], of=["s0"]).to_pylist()[0]
    assert (found["sms_count_7d"], found["tenure_days"]) == (2.0, None)


def test_every_feature_is_declared_once_with_all_that_describes_it() -> None:
    assert len(FEATURE_NAMES) >= 40
    assert set(CONTRACT) <= set(FEATURE_NAMES)
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert not {part.name for part in PARTS} & set(FEATURE_NAMES)
    for feature in FEATURES:
        assert (feature.aggregate is None) != (feature.derive is None)
        if feature.window is not None and feature.name[-1] == "d" and feature.name[-2].isdigit():
            assert feature.name.endswith(f"_{feature.window}d")
    rows = describe()
    assert [row["name"] for row in rows] == list(FEATURE_NAMES)
    assert all(row["unit"] and row["description"] and row["window"] for row in rows)
    assert {row["window"] for row in rows} == {"-", "7 days", "30 days", "90 days"}


def test_the_fingerprint_is_short_and_steady() -> None:
    assert feature_fingerprint() == feature_fingerprint()
    assert len(feature_fingerprint()) == 12
