from pathlib import Path

import pytest

from mia.cli.recipe import BOUNDS, KINDS, load_recipe
from mia.errors import InvalidInput
from mia.ranking.rankers.base import FitOptions

DEFAULT = Path(__file__).parents[2] / "models" / "default.toml"


def recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_default_recipe_is_the_default() -> None:
    assert FitOptions("f1", **load_recipe(DEFAULT)) == FitOptions("f1")
    assert set(KINDS) == {*BOUNDS, "extra_trees", "affinity"}


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    assert load_recipe(recipe(tmp_path, "[fit]\nl2 = 10\nlearning_rate = 1\n")) == {"l2": 10, "learning_rate": 1}
    assert load_recipe(recipe(tmp_path, "[fit]\n")) == {}


@pytest.mark.parametrize(
    ("text", "rule", "parameter"),
    [
        ("fit = 3", "needs a table", None),
        ("", "needs a table", None),
        ("[fitt]\ntrees = 1", "nothing else", "fitt"),
        ("[fit]\nbranches = 1", "no such parameter", "branches"),
        ("[fit]\nfingerprint = 'x'", "no such parameter", "fingerprint"),
        ("[fit]\ntrees = 1.5", "whole number", "trees"),
        ("[fit]\ntrees = true", "whole number", "trees"),
        ("[fit]\nl2 = 'much'", "a number", "l2"),
        ("[fit]\nextra_trees = 1", "true or false", "extra_trees"),
        ("[fit]\ntrees = 0", "between 1 and", "trees"),
        ("[fit]\nleaves = 1", "between 2 and", "leaves"),
        ("[fit]\nlearning_rate = 0", "between", "learning_rate"),
        ("[fit]\nl2 = nan", "between", "l2"),
        ("[fit]\nrow_share = 1.01", "and 1", "row_share"),
        ("[fit\n", "TOML", None),
    ],
)
def test_what_cannot_be_a_fit_is_refused_by_name(tmp_path: Path, text: str, rule: str, parameter: str | None) -> None:
    path = recipe(tmp_path, text)
    with pytest.raises(InvalidInput, match=rule) as caught:
        load_recipe(path)
    assert (caught.value.file, caught.value.parameter) == (str(path), parameter)


def test_a_recipe_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent.toml: no such file$"):
        load_recipe(tmp_path / "absent.toml")
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        load_recipe(tmp_path)
