import pytest
import typer
from typer.testing import CliRunner

from mia.cli.simulate import simulate
from mia.errors import InvalidInput


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(simulate)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_writes_a_world_and_says_what(run, tmp_path):
    out = tmp_path / "world"
    result = run("--subscribers", 30, "--months", 1, "--seed", 1, "--start", "2020-02", "--out", out)
    assert result.exit_code == 0
    assert "30 subscribers" in result.stdout
    assert (out / "usage" / "2020-02.parquet").exists()


@pytest.mark.parametrize("start", ["2021", "2021-13", "January"])
def test_refuses_what_is_no_month(run, tmp_path, start):
    result = run("--subscribers", 30, "--months", 1, "--seed", 1, "--start", start, "--out", tmp_path / "world")
    assert isinstance(result.exception, InvalidInput)
    assert not (tmp_path / "world").exists()
