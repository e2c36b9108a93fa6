"""Values get numbers in the order they come, are told apart to the bit, and are not kept without bound."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.storage.profile_store.people import objects

from mia.storage.profile_store.vocabulary import FULL, Vocabulary, plain_of, value_of

values = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.floats()


@given(st.lists(st.lists(values)))
def test_numbers_stand_for_their_values(chunks: list[list[str | float | None]]) -> None:
    vocabulary = Vocabulary(1000)
    coded = [vocabulary.codes(objects(chunk)).tolist() for chunk in chunks]
    plain = vocabulary.plain()
    assert [[plain[code] for code in chunk] for chunk in coded] == [list(map(plain_of, chunk)) for chunk in chunks]
    assert len(set(plain)) == len(plain)
    assert plain[0] is None


@given(values)
def test_values_go_through_json_to_the_bit(value: str | float | None) -> None:
    back = value_of(plain_of(value))
    assert type(back) is type(value)
    assert back == value or math.isnan(value)  # type: ignore[arg-type]
    assert plain_of(back) == plain_of(value)


def test_a_full_vocabulary_takes_no_more() -> None:
    vocabulary = Vocabulary(2)
    assert vocabulary.codes(objects(["b", None, "a", "b", "c"])).tolist() == [1, 0, 2, 1, FULL]
    assert vocabulary.codes(objects(["c", "a", None, 1.0])).tolist() == [FULL, 2, 0, FULL]
    assert vocabulary.plain() == [None, "b", "a"]


def test_floats_that_compare_equal_are_told_apart() -> None:
    vocabulary = Vocabulary(10)
    assert vocabulary.codes(objects([0.0, -0.0, math.nan, math.nan, None, 1.0])).tolist() == [1, 2, 3, 3, 0, 4]


@pytest.mark.parametrize("wrong", [True, 1, b"a", ["a"], object], ids=repr)
def test_other_values_are_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        Vocabulary(10).codes(objects(["a", wrong]))
