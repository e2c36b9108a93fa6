"""What a day of records folds into."""

from collections.abc import Iterator

import ibis
import pyarrow as pa
import pytest
from tests.unit.profiles.bench import DAILY, DAILY_KEYS, EMPTY_USAGE, ROLL_UP, ROLL_UP_KEYS, Bench, sql, usage_rows

from mia.profiles.daily import BY_KEY, BY_KIND, MEASURES, PASSIVE_KINDS, complete, merge_known, roll_up_fingerprint
from mia.profiles.exact import MONEY_GRAINS, QUANTITY_GRAINS
from mia.tables import LAKE_USAGE

MERGED = {by: sql(merge_known(table, by=by)) for by, table in ((BY_KIND, DAILY), (BY_KEY, DAILY_KEYS))}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def folded(bench: Bench, *rows: dict[str, object]) -> dict[str, dict[str, float]]:
    """The roll-up rows of these records by kind; measures that are 0 left out."""
    found = bench.run(ROLL_UP, usage=usage_rows(*rows)).to_pylist()
    assert {tuple(row) for row in found} == {(*BY_KIND, *(measure.name for measure in MEASURES))}
    return {row["kind"]: {each.name: row[each.name] for each in MEASURES if row[each.name]} for row in found}


def test_each_measure_adds_up_the_records_it_is_about(bench: Bench) -> None:
    found = folded(
        bench,
        {"kind": "voice", "quantity": 61.5, "charge": 1.0, "direction": "out", "on_net": True},
        {"kind": "voice", "quantity": 30.0, "charge": 0.5, "direction": "in", "roaming": "national", "on_net": False},
        {"kind": "voice", "quantity": 0.0, "direction": "out"},
        {"kind": "data", "quantity": 100.0, "charge": 4.0, "local_hour": 22, "roaming": "home"},
        {"kind": "data", "quantity": 10.0, "charge": 2.0, "roaming": "international", "local_hour": 9},
        {"kind": "data", "quantity": 1.0, "local_hour": 5},
        {"kind": "purchase", "quantity": 5.0, "charge": 16.0, "discount": 3.0, "local_hour": 18},
        {"kind": "purchase", "quantity": 5.0, "discount": 0.0, "local_hour": 6},
    )
    second = QUANTITY_GRAINS
    assert found == {
        "voice": {
            "records": 3.0,
            "quantity": 91.5 * second,
            "charge": 1.5 * MONEY_GRAINS,
            "out_records": 2.0,
            "out_quantity": 61.5 * second,
            "on_net_quantity": 61.5 * second,
            "away_quantity": 30.0 * second,
            "work_quantity": 91.5 * second,
            "home_charge": 1.0 * MONEY_GRAINS,
            "part_4": 3.0,
        },
        "data": {
            "records": 3.0,
            "quantity": 111.0,
            "charge": 6.0 * MONEY_GRAINS,
            "away_quantity": 10.0,
            "abroad_quantity": 10.0,
            "night_quantity": 101.0,
            "work_quantity": 10.0,
            "home_charge": 4.0 * MONEY_GRAINS,
            "part_1": 1.0,
            "part_3": 1.0,
            "part_7": 1.0,
        },
        "purchase": {
            "records": 2.0,
            "quantity": 10.0 * second,
            "charge": 16.0 * MONEY_GRAINS,
            "home_charge": 16.0 * MONEY_GRAINS,
            "discounted": 1.0,
            "discount": 3.0 * MONEY_GRAINS,
            "part_2": 1.0,
            "part_6": 1.0,
        },
    }


def test_the_parts_of_the_day_are_all_of_it(bench: Bench) -> None:
    found = folded(bench, *({"kind": "sms", "local_hour": hour} for hour in range(24)))
    assert [found["sms"][f"part_{number}"] for number in range(8)] == [3.0] * 8


def test_one_row_a_subscriber_day_kind_and_day_of_arrival(bench: Bench) -> None:
    rows = [
        {"subscriber_id": who, "local_day": day, "known_day": known, "kind": kind}
        for who in "ab"
        for day, known in ((1, 1), (2, 2), (2, 4), (2, 4))
        for kind in ("sms", "voice")
    ]
    found = bench.run(ROLL_UP, usage=usage_rows(*rows)).to_pylist()
    assert sorted(tuple(row[name] for name in (*BY_KIND, "records")) for row in found) == [
        (who, day, known, kind, count)
        for who in "ab"
        for day, known, count in ((1, 1, 1.0), (2, 2, 1.0), (2, 4, 2.0))
        for kind in ("sms", "voice")
    ]
    merged = bench.run(MERGED[BY_KIND], daily=pa.Table.from_pylist(found)).to_pylist()
    assert sorted((row["subscriber_id"], row["local_day"], row["kind"], row["records"]) for row in merged) == [
        (who, day, kind, count) for who in "ab" for day, count in ((1, 1.0), (2, 3.0)) for kind in ("sms", "voice")
    ]
    assert {(row["local_day"], row["known_day"]) for row in merged} == {(1, 1), (2, 4)}


def test_what_is_taken_back_leaves_nothing_and_sign_zero_counts_for_nothing(bench: Bench) -> None:
    once = {
        "kind": "data",
        "quantity": 12.0,
        "charge": 0.1,
        "discount": 0.2,
        "direction": "out",
        "roaming": "international",
        "category": "video;music",
        "item": "i",
    }
    assert folded(bench, once, {**once, "sign": -1}) == {"data": {}}
    assert folded(bench, {**once, "sign": 0}) == {"data": {}}
    for rows in ([once, {**once, "sign": -1, "known_day": 3}], [{**once, "sign": 0}]):
        found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows))
        kept = bench.run(MERGED[BY_KEY], daily_keys=found).to_pylist()
        assert {row["key"] for row in kept} == {"category:video", "category:music", "item:i", "discount:data"}
        assert {row[name] for row in kept for name in ("records", "charge", "bytes")} == {0.0}


def test_records_from_before_there_was_a_column_count_on_their_day(bench: Bench) -> None:
    old = usage_rows({"kind": "sms", "local_day": 5}).drop_columns(["known_day", "sign", "discount", "item"])
    query = sql(complete(ibis.table(ibis.Schema.from_pyarrow(old.schema), name="old")))
    (row,) = bench.run(query, old=old).to_pylist()
    assert (row["known_day"], row["sign"], row["discount"], row["item"]) == (5, 1.0, None, None)
    assert set(row) == set(LAKE_USAGE.names)


def test_only_fees_and_top_ups_come_without_anybody_doing_anything() -> None:
    assert set(PASSIVE_KINDS) == {"fee", "top_up"}


def test_keys_count_records_and_money_of_categories_and_items(bench: Bench) -> None:
    rows = [
        {"kind": "data", "quantity": 7.0, "charge": 0.1, "category": "video", "item": "v1"},
        {"kind": "data", "quantity": 5.0, "charge": 0.2, "category": "video"},
        {"kind": "content", "quantity": 3.0, "charge": 5.0, "item": "v1", "local_day": 1},
        {"kind": "voice", "charge": 7.0},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    measured = {
        (row["local_day"], row["key"]): (row["records"], row["charge"] / MONEY_GRAINS, row["bytes"]) for row in found
    }
    assert measured == {
        (0, "category:video"): (2.0, 0.3, 12.0),
        (0, "item:v1"): (1.0, 0.1, 7.0),
        (1, "item:v1"): (1.0, 5.0, 0.0),
    }
    assert len(bench.run(ROLL_UP_KEYS, usage=EMPTY_USAGE.empty_table())) == 0


def test_a_record_of_several_categories_counts_for_each(bench: Bench) -> None:
    rows = [
        {"kind": "data", "charge": 0.1, "category": "video; films;"},
        {"kind": "data", "charge": 0.2, "category": "films"},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    assert {row["key"]: (row["records"], row["charge"] / MONEY_GRAINS) for row in found} == {
        "category:video": (1.0, 0.1),
        "category:films": (2.0, 0.3),
    }


def test_keys_count_what_was_had_at_a_discount_and_the_kinds_that_were_declared(bench: Bench) -> None:
    rows = [
        {"kind": "purchase", "charge": 2.0, "discount": 0.5},
        {"kind": "purchase", "charge": 1.0, "discount": 0.1},
        {"kind": "purchase", "charge": 4.0, "discount": 0.0},
        {"kind": "content", "charge": 8.0, "discount": 1.0},
        {"kind": "fee", "charge": 16.0, "discount": 1.0},
    ]
    found = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows)).to_pylist()
    assert {row["key"]: (row["records"], row["charge"] / MONEY_GRAINS) for row in found} == {
        "discount:purchase": (2.0, 3.0),
        "discount:content": (1.0, 8.0),
        "kind:purchase": (3.0, 7.0),
    }


def test_the_recipe_of_roll_ups_has_a_steady_name() -> None:
    assert roll_up_fingerprint() == roll_up_fingerprint()
    assert len(roll_up_fingerprint()) == 12
