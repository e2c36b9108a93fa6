"""`mia validate --catalogue`: what it prints and writes, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mia.cli.main import app
from mia.errors import InvalidInput

SOUND = """offers:
  - {id: music_30, name: {ru: Музыка, en: Music}, description: {ru: Да, en: So}, category: music, price: 99, value: 40}
"""
EXPIRED = SOUND.replace("price: 99", "price: 99, valid_to: 2021-06-30") + SOUND.removeprefix("offers:\n").replace(
    "_30", "_7"
)
BROKEN = (
    SOUND
    + """  - {id: data, name: {ru: Данные}, category: data, eligible_if: [{data_mb_30d: {gt: 10, lt: 5}}]}
"""
)


@pytest.fixture
def run(tmp_path: Path, tiny_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "140")

    def call(text: str, *words: str, home: Path = tiny_home) -> Any:
        path = tmp_path / "new.yaml"
        path.write_text(text, "utf-8")
        said = ["validate", "--catalogue", str(path), "--as-of", "2021-07-01", *words, "--home", str(home)]
        return CliRunner().invoke(app, said)

    return call


@pytest.mark.parametrize(
    ("text", "words", "code", "status"),
    [
        (SOUND, (), 0, "PASS"),
        (SOUND, ("--strict",), 0, "PASS"),
        (EXPIRED, (), 0, "WARN"),
        (EXPIRED, ("--strict",), 2, "WARN"),
        (BROKEN, (), 2, "FAIL"),
    ],
)
def test_the_exit_code_tells_the_verdict(run: Any, text: str, words: tuple[str, ...], code: int, status: str) -> None:
    result = run(text, "--format", "json", *words)
    report = json.loads(result.output)
    assert (result.exit_code, report["status"]) == (code, status)
    assert (report["as_of"], report["subscribers"]) == ("2021-07-01", 3)
    assert report["checks"][0]["name"] == "unreadable"


def test_a_table_for_people_with_examples(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = run(BROKEN, "--html", str(page))
    assert result.exit_code == 2
    assert "catalogue new.yaml: 2 offers, not loadable, as of 2021-07-01; 3 subscribers" in result.output
    assert "FAIL missing_translations: of 2 rows\n     new.yaml, row 2, name.en, data: missing value" in result.output
    assert "data: data_mb_30d gt 10 and data_mb_30d lt 5" in result.output
    assert "music_30" in result.output
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_no_workspace_is_needed(run: Any, tmp_path: Path) -> None:
    result = run(SOUND, home=tmp_path / "none")
    assert result.exit_code == 0
    assert "SKIP unreachable: no profiles to hold it against" in result.output
    assert not (tmp_path / "none").exists()


def test_limits_come_from_the_settings(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_CATALOGUE__EXPIRED__WARN", "0")
    monkeypatch.setenv("MIA_CATALOGUE__EXPIRED__FAIL", "0")
    assert run(EXPIRED).exit_code == 2


def test_what_is_no_catalogue_is_refused(run: Any) -> None:
    assert isinstance(run("offers: 5").exception, InvalidInput)
