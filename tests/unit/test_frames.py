"""Frames: taking rows out of them keeps every row whole."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mia.frames import Profiles, SparseBlock

KEYS = ("category:a", "item:b", "item:c")

block_rows = st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 9).map(float)), min_size=1, max_size=6)


def block_of(rows: list[dict[str, float]]) -> SparseBlock:
    codes = [KEYS.index(key) for row in rows for key in row]
    values = [[value, -value] for row in rows for value in row.values()]
    return SparseBlock(
        np.cumsum([0, *map(len, rows)]),
        np.asarray(codes, np.int64),
        np.asarray(KEYS, object),
        np.asarray(values, float).reshape(len(codes), 2),
        ("x", "minus_x"),
    )


def rows_of(block: SparseBlock) -> list[list[tuple[str, float, float]]]:
    return [
        [
            (str(block.vocabulary[code]), *map(float, values))
            for code, values in zip(block.codes[low:high], block.values[low:high], strict=True)
        ]
        for low, high in zip(block.indptr[:-1], block.indptr[1:], strict=True)
    ]


def profiles_of(rows: list[dict[str, float]]) -> Profiles:
    count = len(rows)
    return Profiles(
        np.asarray([f"s{n}" for n in range(count)], object),
        np.arange(count),
        ("x", "y"),
        np.arange(2.0 * count).reshape(count, 2),
        {"region": np.asarray([None, "ж"] * count, object)[:count]},
        block_of(rows),
        SparseBlock.empty(count, ("impressions",)),
    )


@given(block_rows, st.data())
def test_rows_can_be_taken_in_any_order_and_again(rows: list[dict[str, float]], data: Any) -> None:
    wanted = np.asarray(data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8)), np.int64)
    whole = profiles_of(rows)
    taken = whole.take(wanted)
    assert len(taken) == len(wanted)
    assert rows_of(taken.usage) == [rows_of(whole.usage)[row] for row in wanted]
    assert taken.subscriber_ids.tolist() == [f"s{row}" for row in wanted]
    assert taken.numeric.tolist() == [[2.0 * row, 2.0 * row + 1] for row in wanted]
    assert taken.attributes["region"].tolist() == [whole.attributes["region"][row] for row in wanted]
    assert taken.responses.indptr.tolist() == [0] * (len(wanted) + 1)
    assert (taken.names, taken.usage.measures) == (whole.names, whole.usage.measures)


@given(block_rows, st.data())
def test_a_trimmed_block_knows_its_own_keys_alone(rows: list[dict[str, float]], data: Any) -> None:
    some = np.asarray(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1)), np.int64)
    block = block_of(rows).take(some)
    assert rows_of(block.trim()) == rows_of(block)
    assert set(block.trim().vocabulary) == {key for row in some.tolist() for key in rows[row]}


def test_an_empty_block_has_rows_without_entries() -> None:
    block = SparseBlock.empty(3, ("x", "y"))
    assert (block.indptr.tolist(), block.values.shape, block.measures) == ([0, 0, 0, 0], (0, 2), ("x", "y"))
    assert rows_of(block.take(np.asarray([2, 0]))) == [[], []]


def test_a_column_is_found_among_features_and_attributes() -> None:
    profiles = profiles_of([{}, {"item:b": 1.0}])
    y, region = profiles.column("y"), profiles.column("region")
    assert y is not None
    assert region is not None
    assert (y.tolist(), region.tolist()) == ([1.0, 3.0], [None, "ж"])
    assert profiles.column("z") is None
