"""The tables of features in the documentation."""

from pathlib import Path

import pytest

from mia.errors import InvalidInput
from mia.profiles.features import FEATURES
from mia.profiles.features.page import BEGIN, END, feature_tables, with_feature_tables

PAGE = Path(__file__).parents[3] / "docs" / "profiles.md"


def test_the_page_says_what_the_declarations_say() -> None:
    page = PAGE.read_text("utf-8")
    assert with_feature_tables(page, PAGE.name) == page, "`make docs` makes the tables again"


def test_every_feature_has_one_row_and_every_cell_is_filled() -> None:
    rows = [line for line in feature_tables().splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [feature.name for feature in FEATURES]
    assert all(len(row.split(" | ")) == 4 and "|  |" not in row for row in rows)


def test_only_what_stands_between_the_markers_is_made_again() -> None:
    page = f"before\n{BEGIN}\nanything\n{END}\nafter\n"
    made = with_feature_tables(page, "page.md")
    assert made == f"before\n{BEGIN}\n\n{feature_tables()}\n\n{END}\nafter\n"
    assert with_feature_tables(made, "page.md") == made


@pytest.mark.parametrize("page", ["", f"{BEGIN} only", f"only {END}", f"{END} and {BEGIN}"])
def test_a_page_without_the_markers_is_refused(page: str) -> None:
    with pytest.raises(InvalidInput, match=r"page\.md.*needs the lines"):
        with_feature_tables(page, "page.md")
