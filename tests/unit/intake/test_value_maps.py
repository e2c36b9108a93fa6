"""Words of another system become ours, in SQL that takes no word for more than a word."""

import duckdb
import pytest

from mia.intake.value_maps import build_value_map

WORDS = {"Показ": "impression", "it's": "click", 7: "decline", "dropped": None}


def ask(sql: str, value: object) -> object:
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT {sql} FROM (SELECT $1 AS what)", [value]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Показ", "impression"),
        (" Показ ", "impression"),
        ("it's", "click"),
        (7, "decline"),
        ("click", "click"),
        ("x", "x"),
    ],
)
def test_what_is_listed_becomes_ours_and_the_rest_stays(theirs: object, ours: str) -> None:
    assert ask(build_value_map(WORDS).ours("what"), theirs) == ours


def test_what_is_nothing_here_takes_its_row_out() -> None:
    kept = build_value_map(WORDS).kept("what")
    assert kept is not None
    assert [ask(kept, value) for value in ("dropped", " dropped", "Показ", None)] == [False, False, True, True]
    assert build_value_map({"a": "b"}).kept("what") is None


@pytest.mark.parametrize(
    ("pairs", "rule"),
    [
        ({}, "must be a mapping"),
        (["Показ"], "must be a mapping"),
        ({"Показ": "shown"}, "'Показ' cannot become 'shown'; one of click, impression"),
        ({True: "click"}, "put True and 'click' in quotes"),
        ({"Показ": False}, "put 'Показ' and False in quotes"),
    ],
)
def test_a_map_that_says_something_else_is_refused(pairs: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        build_value_map(pairs, ("click", "impression"))
