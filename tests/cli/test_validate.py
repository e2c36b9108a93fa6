"""`mia validate`: what it prints and writes, and its exit codes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.home import build_home
from typer.testing import CliRunner

from mia.cli.main import app
from mia.errors import InvalidInput, NotEnoughData


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_home(tmp_path_factory.mktemp("validated"))


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words: CliRunner().invoke(app, ["validate", *map(str, words), "--home", str(home)])


def test_a_table_for_people(run: Any) -> None:
    result = run("--as-of", "2021-07-01")
    assert result.exit_code == 0
    assert "lake as of 2021-07-01: 3 records of 2021-06-30 to 2021-06-30, 3 subscribers" in result.output
    assert re.search(r"PASS +newest_usage +0 +1 +3 ", result.output)
    assert "SKIP silent_30_days: the lake holds less than 30 days" in result.output
    assert re.search(r"Kurgan +1 +1 +2021-06-30", result.output)
    assert re.search(r"PASS: \d+ PASS, \d+ SKIP", result.output)


@pytest.mark.parametrize(
    ("as_of", "strict", "code", "status"),
    [
        ("2021-07-01", True, 0, "PASS"),
        ("2021-07-03", False, 0, "WARN"),
        ("2021-07-03", True, 1, "WARN"),
        ("2021-07-09", False, 1, "FAIL"),
    ],
)
def test_the_exit_code_tells_the_verdict(run: Any, as_of: str, strict: bool, code: int, status: str) -> None:
    result = run("--as-of", as_of, "--format", "json", *(["--strict"] if strict else []))
    report = json.loads(result.output)
    assert (result.exit_code, report["status"]) == (code, status)
    newest = report["checks"][0]
    assert (newest["name"], newest["status"], newest["warn"], newest["fail"]) == ("newest_usage", status, 1, 3)


def test_what_is_wrong_is_shown_with_examples(run: Any) -> None:
    output = run("--as-of", "2021-07-09").output
    assert "FAIL newest_usage\n     2021-06-30: the newest day with usage\n" in output
    assert "SKIP no_tariff: no subscriber has a tariff" in output


def test_limits_come_from_the_settings(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_VALIDATE__NEWEST_USAGE__WARN", "10")
    monkeypatch.setenv("MIA_VALIDATE__NEWEST_USAGE__FAIL", "20")
    output = run("--as-of", "2021-07-09").output
    assert re.search(r"PASS +newest_usage +8 +10 +20 ", output)


def test_today_is_the_default_and_the_lake_is_old(run: Any) -> None:
    result = run()
    assert isinstance(result.exception, NotEnoughData)
    assert "the lake holds 2021-06-30 to 2021-06-30" in str(result.exception)


def test_the_page_is_written_beside_what_is_printed(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run("--as-of", "2021-07-01", "--html", page)
    assert result.exit_code == 0
    assert "newest_usage" in result.output
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--as-of", "soon"), "--as-of: must be a date"),
        (("--html", "report.pdf"), "report.pdf: the page is a file named .html"),
        (("--html", "no/where/report.html"), "the folder of the page does not exist"),
    ],
)
def test_what_cannot_be_done_is_refused(run: Any, words: tuple[str, ...], named: str) -> None:
    result = run(*words)
    assert isinstance(result.exception, InvalidInput)
    assert named in str(result.exception)


def test_an_empty_workspace_is_refused_with_what_to_do(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["validate", "--home", str(tmp_path)])
    assert isinstance(result.exception, NotEnoughData)
    assert "`mia ingest` or `mia demo` makes one" in str(result.exception)
