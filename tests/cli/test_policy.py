"""`mia policy` and `mia evaluate --knock-out` through their entry point."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.world import World

from mia.cli.main import main
from mia.offers.policy import default_policy, default_text

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.copy(tmp_path_factory.mktemp("policy"))


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MIA_HOME", str(home))

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mia", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return call


def test_show_check_and_set(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("policy", "show")
    assert (code, out) == (0, default_text())
    path = tmp_path / "mine.yaml"
    path.write_text(out.replace("at_most: 12", "at_most: 7"))
    assert run("policy", "check", path)[0] == 0
    code, out, _ = run("policy", "set", path)
    assert code == 0
    assert f"before: {default_policy().version}" in out
    assert run("policy", "set", path)[1].endswith("is in force already\n")
    assert "at_most: 7" in run("policy", "show")[1]
    assert run("policy", "show", default_policy().version)[1] == default_text()
    assert run("policy", "show", "--default")[1] == default_text()
    path.write_text("caps: []\n")
    for words in (("check",), ("set",)):
        code, _, err = run("policy", *words, path)
        assert code == 2
        assert "mine.yaml, path exploration: missing" in err
    assert "at_most: 7" in run("policy", "show")[1]
    code, _, err = run("policy", "show", "000000000000")
    assert (code, "no policy 000000000000" in err) == (2, True)


def test_knock_out_as_table_and_as_json(run: Run) -> None:
    code, out, _ = run("evaluate", "champion", "--knock-out")
    assert code == 0
    for word in ("acceptance", "value", "context", "priority", "rankings of subscribers, "):
        assert word in out
    code, out, _ = run("evaluate", "1", "--knock-out", "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert [one["factor"] for one in found["factors"]] == ["acceptance", "value", "context", "priority"]
    assert (found["version"], found["source"]) == ("1", "subscribers")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--knock-out", "--policy", "mia"), "--policy"),
        (("--knock-out", "--until", "2021-04-01"), "--until"),
        (("--format", "json"), "--format"),
    ],
)
def test_options_that_do_not_go_together_are_named(run: Run, words: tuple[str, ...], option: str) -> None:
    code, _, err = run("evaluate", "1", *words)
    assert code == 2
    assert f"option {option}" in err
