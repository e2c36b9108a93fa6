"""Features against a plain transcription of their contract, and what every one of them must say of itself."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.profiles.bench import Bench, bits
from tests.unit.profiles.operators import Operator, small_operators
from tests.unit.profiles.reference.people import Person, Record
from tests.unit.profiles.reference.profile import CONTRACT

from mia.profiles.features import FEATURE_NAMES, FEATURES, describe, feature_fingerprint
from mia.profiles.features.declared import COLUMNS
from mia.profiles.windows import WINDOWS
from mia.timeline import date_of

DAY = date(2021, 7, 1)
PERSON = Person("s0", "UTC", date(2021, 1, 1))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def at(days: int, kind: str, quantity: float = 1.0, charge: float = 0.0, **given: Any) -> Record:
    """A record at noon some days before DAY."""
    moment = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC) - timedelta(days=days)
    return Record("s0", moment, kind, quantity, charge, **given)


def rows_of(bench: Bench, *cases: list[Record], person: Person = PERSON) -> list[dict[str, Any]]:
    """Features as of DAY of a person with each of these lists of records."""
    people = [replace(person, subscriber_id=f"s{number}") for number in range(len(cases))]
    records = [
        replace(record, subscriber_id=one.subscriber_id)
        for one, case in zip(people, cases, strict=True)
        for record in case
    ]
    rows = bench.features(bench.daily(bench.usage(people, records)), people, [DAY]).to_pylist()
    return [{name: row[name] for name in FEATURE_NAMES} for row in rows]


def row_of(bench: Bench, *records: Record, person: Person = PERSON) -> dict[str, Any]:
    """Features as of DAY of a person with these records."""
    return rows_of(bench, list(records), person=person)[0]


def sums_of(bench: Bench, operator: Operator, as_of: date, *usage: pa.Table) -> list[Any]:
    """All that features are made of, to the bit."""
    ids = [person.subscriber_id for person in operator.people]
    windows, keys, _ = bench.sums(bench.daily(*usage), ids, [as_of])
    return [bits(windows), bits(keys)]


@settings(max_examples=6, deadline=None)
@given(small_operators(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_same_bits_however_records_are_ordered_and_split(
    bench: Bench, operator: Operator, random: Any, parts: int
) -> None:
    usage = bench.usage(operator.people, operator.records)
    shuffled = usage.take(pa.array(random.sample(range(len(usage)), len(usage)), pa.int64()))
    split = [
        shuffled.filter(pa.array([day % parts == part for day in shuffled["local_day"].to_pylist()], pa.bool_()))
        for part in range(parts)
    ]
    assert sums_of(bench, operator, operator.as_of, *split) == sums_of(bench, operator, operator.as_of, usage)


@settings(max_examples=6, deadline=None)
@given(small_operators(), st.integers(1, 40))
def test_nothing_that_happened_or_arrived_later_changes_a_profile(
    bench: Bench, operator: Operator, before: int
) -> None:
    as_of = operator.as_of - timedelta(days=before)
    usage = bench.usage(operator.people, operator.records)
    known = usage.filter(pa.array([date_of(day) < as_of for day in usage["known_day"].to_pylist()], pa.bool_()))
    assert sums_of(bench, operator, as_of, usage) == sums_of(bench, operator, as_of, known)


def test_a_subscriber_without_records_has_zeros_and_no_shares(bench: Bench) -> None:
    row = row_of(bench)
    assert (row.pop("tenure_days"), row.pop("longest_silence_90d")) == (181.0, 90.0)
    nulls = {feature.name for feature in FEATURES if "null" in feature.about}
    assert {name for name, value in row.items() if value is None} == nulls
    assert {value for value in row.values() if value is not None} == {0.0}


def test_a_window_ends_the_day_before_and_begins_n_days_before(bench: Bench) -> None:
    cases = [
        [
            at(0, "voice", 1e9),
            at(1, "voice", 60),
            at(days, "voice", 120),
            at(days + 1, "voice", 1e6, direction="in"),
        ]
        for days in WINDOWS
    ]
    for days, row in zip(WINDOWS, rows_of(bench, *cases), strict=True):
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
    assert row["data_night_share_30d"] is row["voice_out_share_30d"] is row["data_trend_30d"] is None


def test_money_adds_up_to_the_nearest_number_there_is(bench: Bench) -> None:
    row = row_of(bench, *(at(day, "data", charge=0.1) for day in range(1, 4)), at(8, "voice", charge=1e6 + 0.25))
    assert (row["charge_sum_7d"], row["traffic_charge_7d"]) == (0.3, 0.3)
    assert row["charge_sum_30d"] == 1e6 + 0.55


def test_discounts_are_counted_added_up_and_set_against_all_records(bench: Bench) -> None:
    records = [
        at(1, "content", charge=5.0, discount=1.5),
        at(8, "purchase", charge=5.0, discount=0.5),
        at(8, "purchase", charge=5.0, discount=0.0),
        at(40, "purchase", charge=5.0),
        at(2, "fee", charge=5.0, discount=2.0),
    ]
    row, only_fee = rows_of(bench, records, records[-1:])
    assert [row[f"discounted_records_{days}d"] for days in WINDOWS] == [1.0, 2.0, 2.0]
    assert [row[f"discount_sum_{days}d"] for days in WINDOWS] == [3.5, 4.0, 4.0]
    assert row["discounted_share_90d"] == 0.5
    assert only_fee["discounted_share_90d"] is None


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
    assert row["data_trend_30d"] == pytest.approx((7 / 7) / (30 / 30))
    assert row["charge_trend_30d"] == pytest.approx((7 / 7) / (10 / 30))
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


def test_a_record_that_is_taken_back_was_never_there(bench: Bench) -> None:
    call, top_up = at(3, "voice", 61.7, 0.3, category="work"), at(2, "top_up", charge=7.1)
    both = [replace(record, sign=-1, late_days=1) for record in (call, top_up)]
    again = replace(call, quantity=30.0, late_days=1)
    taken, nothing, corrected, plain, with_nothing, alone = rows_of(
        bench,
        [call, top_up, *both],
        [],
        [call, both[0], again],
        [at(3, "voice", 30.0, 0.3, category="work")],
        [call, replace(again, sign=0)],
        [call],
    )
    assert taken == nothing
    assert corrected == plain
    assert with_nothing == alone
    assert plain["voice_minutes_7d"] != alone["voice_minutes_7d"]


def test_one_sort_of_anything_has_no_entropy_at_all(bench: Bench) -> None:
    row = row_of(bench, *(at(1, "data", category="video") for _ in range(3)))
    assert (row["category_entropy_30d"], row["kind_entropy_30d"], row["hour_entropy_30d"]) == (0.0, 0.0, 0.0)


def test_the_same_every_day_does_not_vary(bench: Bench) -> None:
    row = row_of(bench, *(at(days, kind, 123_457.0 * 65_536) for days in range(1, 31) for kind in ("data", "voice")))
    assert (row["data_daily_cv_30d"], row["voice_daily_cv_30d"]) == (0.0, 0.0)


def test_silence_is_counted_across_the_middle_of_the_window(bench: Bench) -> None:
    rows = rows_of(
        bench, *([at(back, "sms") for back in days] for days in ([80, 10], [46, 45], list(range(1, 91)), [90], [1]))
    )
    assert [row["longest_silence_90d"] for row in rows] == [69.0, 44.0, 0.0, 89.0, 89.0]
    assert [row["days_since_sms"] for row in rows] == [10.0, 45.0, 1.0, 90.0, 1.0]


def test_a_package_is_compared_only_where_its_allowance_is_known(bench: Bench) -> None:
    used = [at(1, "data", 70 * 2**20), at(1, "voice", 600, direction="in"), at(2, "voice", 300, direction="out")]
    row = row_of(bench, *used, person=replace(PERSON, tariff_data_mb=50.0, tariff_voice_minutes=0.0))
    assert [row[f"data_package_{name}"] for name in ("used_share_30d", "left_30d", "above_30d", "lasts_7d")] == [
        1.4,
        0.0,
        20.0,
        5.0,
    ]
    assert [row[f"voice_package_{name}"] for name in ("used_share_30d", "left_30d", "above_30d")] == [None, 0.0, 5.0]
    assert {row[f"sms_package_{name}_30d"] for name in ("used_share", "left", "above")} == {None}


def test_every_feature_is_declared_once_with_all_that_describes_it() -> None:
    assert len(FEATURE_NAMES) >= 100
    assert set(CONTRACT) <= set(FEATURE_NAMES)
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in COLUMNS:
        assert sum(way is not None for way in (column.total, column.tally, column.derive)) == 1
    for feature in FEATURES:
        if feature.window is not None and not feature.name.startswith("days_since_"):
            assert feature.name.endswith(f"_{feature.window}d")
    rows = describe()
    assert [row["name"] for row in rows] == list(FEATURE_NAMES)
    assert all(row["group"] and row["unit"] and row["description"] and row["window"] for row in rows)
    assert len({row["description"] + row["window"] for row in rows}) == len(rows)
    assert {row["window"] for row in rows} == {"-", "7 days", "30 days", "90 days"}


def test_the_fingerprint_is_short_and_steady() -> None:
    assert feature_fingerprint() == feature_fingerprint()
    assert len(feature_fingerprint()) == 12
