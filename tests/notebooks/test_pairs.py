"""Notebooks as files: each a pair in step, without outputs and without logic."""

import ast
from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
TOPICS = ("01_usage_and_profiles", "02_train_and_compare", "03_off_policy_what_if", "04_growth_of_connections")
LOGIC = (
    ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef,
    ast.For | ast.AsyncFor | ast.While | ast.comprehension,
    ast.If | ast.IfExp | ast.Match | ast.Try | ast.TryStar | ast.With | ast.AsyncWith,
)


def logic_of(source: str) -> list[str]:
    return [type(node).__name__ for node in ast.walk(ast.parse(source)) if isinstance(node, LOGIC)]


def pair(topic: str) -> tuple[nbformat.NotebookNode, str]:
    return nbformat.read(FOLDER / f"{topic}.ipynb", as_version=4), (FOLDER / f"{topic}.py").read_text()


def test_every_file_belongs_to_a_pair() -> None:
    found = {path.name for path in FOLDER.iterdir() if path.is_file()}
    assert found == {f"{topic}.{kind}" for topic in TOPICS for kind in ("ipynb", "py")}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_pair_is_in_step(topic: str) -> None:
    notebook, text = pair(topic)
    as_text = jupytext.reads(text, fmt="py:percent")
    cells, others = ([(cell.cell_type, cell.source) for cell in one.cells] for one in (notebook, as_text))
    assert cells == others, "run `make notebooks`"
    for one in (notebook, as_text):
        assert one.metadata.jupytext.formats == "ipynb,py:percent"
        assert one.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("topic", TOPICS)
def test_outputs_and_what_changes_with_each_run_are_stripped(topic: str) -> None:
    notebook, _ = pair(topic)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"jupytext", "kernelspec"}
    assert [cell.id for cell in notebook.cells] == [str(place) for place in range(len(notebook.cells))]
    assert not [cell for cell in notebook.cells if cell.metadata]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)


@pytest.mark.parametrize("topic", TOPICS)
def test_it_holds_prose_and_no_logic(topic: str) -> None:
    notebook, _ = pair(topic)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert [logic_of(source) for source in code] == [[]] * len(code)
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert len(prose) >= len(code) / 2


def test_logic_is_found_where_it_hides() -> None:
    assert logic_of("x = [y for y in z]\n") == ["comprehension"]
    assert logic_of("a = b if c else d\nsorted(e, key=lambda f: -f)\n") == ["IfExp", "Lambda"]
    assert logic_of("x, *rest = library.call(1)\nf'{x}: {rest or 2}'\n") == []
