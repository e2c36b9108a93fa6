"""`mia monitor`: what it prints, writes and exits with."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.world import World
from typer.testing import CliRunner

from mia.cli.main import app
from mia.errors import InvalidInput


@pytest.fixture(scope="module")
def home(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.copy(tmp_path_factory.mktemp("monitored"))


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "140")
    return lambda *words: CliRunner().invoke(app, ["monitor", *map(str, words), "--home", str(home)])


def test_a_table_a_page_and_json(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "health.html"
    result = run("--html", page, "--format", "json")
    report = json.loads(result.output)
    assert report["model"] == "1"
    assert result.exit_code == (1 if report["colour"] == "red" else 0)
    assert "Model 1 in operation" in page.read_text()
    table = run("1")
    assert f"model 1 over 30 days: {report['colour']}" in table.output
    assert all(check["name"] in table.output for check in report["checks"])


def test_the_page_must_have_a_place(run: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "health.txt", tmp_path / "nowhere" / "health.html"):
        assert isinstance(run("--html", path).exception, InvalidInput)
