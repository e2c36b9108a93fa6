"""Every notebook runs from top to bottom as a script on a small world."""

import runpy
from pathlib import Path

import pytest
from tests.fakes.world import World

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_HOME", str(world.home))
    names = runpy.run_path(str(path))
    assert len(names["profiles"]) > 0
