"""The sparse halves of a profile against plain sums over days."""

from collections import defaultdict
from collections.abc import Iterator

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.profiles.bench import ROLL_UP_KEYS, SPINE, SUM_KEYS, USAGE_KEYS, Bench, usage_rows

from mia.profiles.keys import (
    RESPONSE_MEASURES,
    USAGE_MEASURES,
    RowIndex,
    build_response_keys,
)

D = 1000
DAYS = st.sampled_from((-366, -365, -364, -121, -120, -91, -90, -31, -30, -1, 0, 1)) | st.integers(-370, 2)
EVENTS = ibis.table({"subscriber_id": "string", "local_day": "int64", "offer_id": "string", "kind": "string"}, "events")
CATEGORIES = ibis.table({"offer_id": "string", "category": "string"}, name="categories")
RESPONSE_KEYS = ibis.to_sql(build_response_keys(EVENTS, CATEGORIES, SPINE), dialect="duckdb")
SPINE_ROWS = pa.table({"subscriber_id": ["s0", "s1", "s0"], "as_of": pa.array([D, D, D - 40], pa.int64())})


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def by_key(table: pa.Table, measures: tuple[str, ...]) -> dict[tuple[str, int, str], list[float]]:
    return {
        (row["subscriber_id"], row["as_of"], row["key"]): [row[name] for name in measures] for row in table.to_pylist()
    }


def weight(age: int) -> float:
    """1 for yesterday, 0 after 120 days, in equal steps."""
    return max(0.0, (121 - age) / 120)


def known_before(as_of: int, day: int) -> bool:
    return as_of - 365 <= day < as_of


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("s0", "s1")),
            DAYS,
            st.sampled_from((None, "video")),
            st.sampled_from((None, "i1", "i2")),
            st.integers(0, 10**4),
        ),
        max_size=25,
    )
)
def test_usage_keys(bench: Bench, given_rows: list[tuple[str, int, str | None, str | None, int]]) -> None:
    rows = [
        {
            "subscriber_id": who,
            "local_day": D + day,
            "kind": "data",
            "category": category,
            "item": item,
            "charge": c / 100,
        }
        for who, day, category, item, c in given_rows
    ]
    daily = bench.run(ROLL_UP_KEYS, usage=usage_rows(*rows))
    sums = bench.run(SUM_KEYS, daily_keys=daily, spine=SPINE_ROWS)
    found = by_key(bench.run(USAGE_KEYS, key_sums=sums), USAGE_MEASURES)
    records = defaultdict(list)
    for row in rows:
        for spine in SPINE_ROWS.to_pylist():
            if spine["subscriber_id"] == row["subscriber_id"] and known_before(spine["as_of"], row["local_day"]):
                for name in ("category", "item"):
                    if row[name] is not None:
                        key = (spine["subscriber_id"], spine["as_of"], f"{name}:{row[name]}")
                        records[key].append((spine["as_of"] - row["local_day"], row["charge"]))
    assert set(found) == set(records)
    for key, values in found.items():
        ages = [age for age, _ in records[key]]
        assert values == pytest.approx(
            [
                sum(age <= 30 for age in ages),
                sum(age <= 90 for age in ages),
                len(ages),
                len(set(ages)),
                sum(charge for _, charge in records[key]),
                sum(weight(age) for age in ages),
            ],
            abs=1e-9,
        )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("s0", "s1")),
            DAYS,
            st.sampled_from(("music", "film", "retired")),
            st.sampled_from(("impression", "click", "connection", "decline", "disconnection")),
        ),
        max_size=25,
    )
)
def test_response_keys(bench: Bench, given_rows: list[tuple[str, int, str, str]]) -> None:
    events = [
        {"subscriber_id": who, "local_day": D + day, "offer_id": offer, "kind": kind}
        for who, day, offer, kind in given_rows
    ]
    found = by_key(
        bench.run(
            RESPONSE_KEYS,
            events=pa.Table.from_pylist(events, EVENTS.schema().to_pyarrow()),
            categories=pa.table({"offer_id": ["music", "film"], "category": ["fun", "fun"]}),
            spine=SPINE_ROWS,
        ),
        RESPONSE_MEASURES,
    )
    answers = defaultdict(list)
    for event in events:
        for spine in SPINE_ROWS.to_pylist():
            who, as_of = spine["subscriber_id"], spine["as_of"]
            if who == event["subscriber_id"] and known_before(as_of, event["local_day"]):
                answer = (event["kind"], as_of - event["local_day"])
                answers[who, as_of, f"offer:{event['offer_id']}"].append(answer)
                if event["offer_id"] != "retired":
                    answers[who, as_of, "offer_category:fun"].append(answer)
    assert set(found) == set(answers)
    for key, values in found.items():
        kinds = [kind for kind, _ in answers[key]]
        fresh = sum(weight(age) for kind, age in answers[key] if kind == "connection")
        assert values == pytest.approx(
            [kinds.count("impression"), kinds.count("connection"), kinds.count("decline"), fresh], abs=1e-9
        )


def test_a_block_has_the_rows_of_its_index_and_keys_in_order() -> None:
    index = RowIndex(np.asarray(["a", "b", "a"], object), np.asarray([1, 1, 2]))
    long = pa.table(
        {
            "subscriber_id": ["a", "b", "b", "z", "a"],
            "as_of": pa.array([2, 1, 1, 1, 9], pa.int64()),
            "key": ["k", "m", "k", "k", "k"],
            "x": [1.0, 2.0, 3.0, 4.0, 5.0],
            "y": [10.0, 20.0, 30.0, 40.0, 50.0],
        }
    )
    block = index.block(long, ("x", "y"))
    assert block.indptr.tolist() == [0, 0, 2, 3]
    assert block.vocabulary[block.codes].tolist() == ["k", "m", "k"]
    assert block.values.tolist() == [[3.0, 30.0], [2.0, 20.0], [1.0, 10.0]]
    nothing = index.block(long.slice(0, 0), ("x", "y"))
    assert (nothing.indptr.tolist(), nothing.values.shape, len(nothing.codes)) == ([0, 0, 0, 0], (0, 2), 0)
