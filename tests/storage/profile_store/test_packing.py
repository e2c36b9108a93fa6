"""Packed numbers come back to the bit, in as few bytes as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.storage.profile_store.packing import Layout, Ragged, pack, unpack, unpack_at, unpack_one

LAYOUT = Layout(3, 2, 4)
numbers = st.sampled_from([0.0, -0.0, np.nan, 1.0, 255.0, 256.0, -1.0, 0.5, 0.1, np.inf, 5e-324, 2.0**60]) | st.floats(
    allow_nan=False
)


def filled(counts: list[tuple[int, int]], draw: np.ndarray) -> Ragged:
    rows = Ragged.empty(LAYOUT, *(np.asarray([count[half] for count in counts], np.int64) for half in (0, 1)))
    for start, (usage, responses) in zip(rows.starts, counts, strict=True):
        size = LAYOUT.fixed + usage * LAYOUT.usage + responses * LAYOUT.responses
        rows.numbers[start : start + size] = np.resize(draw, size)
        draw = np.roll(draw, 1)
    return rows


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6),
    st.lists(numbers, min_size=1, max_size=40),
    st.booleans(),
    st.data(),
)
def test_rows_come_back(
    counts: list[tuple[int, int]], draw: list[float], with_tails: bool, data: st.DataObject
) -> None:
    rows = filled(counts, np.asarray(draw))
    sizes = st.integers(0, 3).map(lambda words: b"tail" * words)
    tails = [data.draw(sizes) for _ in counts] if with_tails else None
    packed, ends = pack(rows, tails)
    assert (ends[0], ends[-1]) == (0, len(packed))
    whole = packed.tobytes()
    found, tail_starts, tail_ends = unpack(LAYOUT, whole, np.diff(ends))
    assert found.numbers.astype(float).tobytes() == rows.numbers.tobytes()
    assert found.starts.tolist() == rows.starts.tolist()
    assert list(zip(found.usage.tolist(), found.responses.tolist(), strict=True)) == counts
    for row, (start, stop) in enumerate(zip(tail_starts, tail_ends, strict=True)):
        tail = b"" if tails is None else tails[row]
        assert whole[start:stop] == tail
        own = whole[ends[row] : ends[row + 1]]
        usage, responses, one, tail_start = unpack_one(LAYOUT, own)
        assert (usage, responses) == counts[row]
        places = [LAYOUT.fixed - 1, *range(len(one))]
        assert np.asarray(unpack_at(LAYOUT, own, places)).tobytes() == one[places].astype(float).tobytes()
        stop = rows.starts[row] + len(one)
        assert one.astype(float).tobytes() == rows.numbers[rows.starts[row] : stop].tobytes()
        assert own[tail_start:] == tail


@pytest.mark.parametrize(
    ("number", "cost"),
    [(0.0, 0), (7.0, 16), (255.0, 16), (np.nan, 16), (256.0, 64), (0.5, 64), (-0.0, 64), (0.1, 128), (2.0**200, 128)],
)
def test_a_number_costs_what_it_is(number: float, cost: int) -> None:
    layout = Layout(16, 1, 1)
    rows = Ragged.empty(layout, *np.zeros((2, 1), np.int64))
    rows.numbers[:] = number
    head_and_kinds = 8
    assert len(pack(rows)[0]) == head_and_kinds + cost


def test_every_nan_is_the_same() -> None:
    rows = Ragged.empty(LAYOUT, *np.zeros((2, 1), np.int64))
    rows.numbers[:2] = np.asarray([0xFFF8 << 48, 0x7FF8000000000001], np.uint64).view(float)
    _, _, found, _ = unpack_one(LAYOUT, pack(rows)[0].tobytes())
    assert np.isnan(found[:2]).all()
    assert found[:2].tobytes() == np.full(2, np.nan, np.float32).tobytes()
    assert not found[2:].any()
