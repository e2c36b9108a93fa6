import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import OFFERS, block, offer

from mia.ranking import offer_table
from mia.ranking.offer_table import KeyMatrix, OfferTable

KEYS = st.sampled_from([f"item:{name}" for name in "abcdefg"])
MEASURES = ("records", "charge")


def matched_by_hand(keys: list[list[str]], rows: list[dict[str, list[float]]], row: int, col: int) -> list[float]:
    own = [rows[row][key] for key in dict.fromkeys(keys[col]) if key in rows[row]]
    return [sum(values[0] for values in own), sum(values[1] for values in own), float(len(own))]


@pytest.mark.parametrize("cells", [1, 12, 4_000_000], ids=["one row at a time", "a few rows", "all rows"])
@given(
    keys=st.lists(st.lists(KEYS, max_size=4), min_size=1, max_size=4),
    rows=st.lists(
        st.dictionaries(KEYS, st.lists(st.integers(0, 9).map(float), min_size=2, max_size=2), max_size=5),
        min_size=1,
        max_size=5,
    ),
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12),
)
def test_match_equals_a_plain_loop(cells, keys, rows, pairs):
    pairs = [(row % len(rows), col % len(keys)) for row, col in pairs]
    row_of, col_of = (np.asarray([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offer_table, "DENSE_CELLS", cells)
        sums, count = KeyMatrix.build(keys).match(block(rows, MEASURES), row_of, col_of)
    found = np.column_stack([sums, count]).tolist() if pairs else []
    assert found == [matched_by_hand(keys, rows, row, col) for row, col in pairs]


def test_a_key_given_twice_is_one_key():
    assert KeyMatrix.build([["item:a", "item:a", "item:b"], []]).sizes.tolist() == [2.0, 0.0]


def test_numbers_become_columns_and_words_categories():
    table = OfferTable.build(OFFERS)
    assert len(table) == len(OFFERS)
    weight = table.column("offer_weight")
    assert weight[table.places["phone"]] == 0.2
    assert np.isnan(weight[table.places["trip"]])
    assert table.categorical["offer_brand"][table.places["phone"]] == "Zebra"
    assert table.categorical["offer_brand"][table.places["trip"]] is None
    assert table.column("offer_data_mb")[:3].tolist() == [10_240.0, 51_200.0, 0.0]
    assert table.value[2], table.priority[2] == (60.0, 1.2)
    assert table.tags.sizes[0] == 2.0  # its tag and its category


def test_tags_with_an_axis_lie_on_it_and_among_all_tags():
    table = OfferTable.build([offer("a", tags=("genre:rock", "genre:pop", "new")), offer("b", tags=("maker:x:y",))])
    assert {axis: keys.sizes.tolist() for axis, keys in table.axes.items()} == {
        "genre": [2.0, 0.0],
        "maker": [0.0, 1.0],
    }
    assert set(table.axes["maker"].places) == {"category:maker:x:y"}
    assert table.tags.sizes.tolist() == [4.0, 2.0]
    assert OfferTable.build(OFFERS).axes == {}


def test_an_attribute_that_is_a_word_once_is_a_category():
    table = OfferTable.build([offer("a", attributes={"level": 1.0}), offer("b", attributes={"level": "high"})])
    assert table.categorical["offer_level"].tolist() == ["1.0", "high"]
    assert "offer_level" not in table.names
