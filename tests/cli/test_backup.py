"""`mia backup`: what it writes, and says where the ledger is not in it."""

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mia.cli.main import app
from mia.errors import InvalidInput


def test_the_archive_is_a_workspace_again(tiny_home: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["backup", str(tmp_path / "b.tar"), "--home", str(tiny_home)])
    assert result.exit_code == 0
    assert "MiB" in result.output
    assert "pg_dump" not in result.output
    with tarfile.open(tmp_path / "b.tar") as archive:
        archive.extractall(tmp_path / "home", filter="data")
    checked = CliRunner().invoke(app, ["validate", "--as-of", "2021-07-01", "--home", str(tmp_path / "home")])
    assert "3 records of 2021-06-30 to 2021-06-30, 3 subscribers" in checked.output


def test_a_ledger_elsewhere_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home" / "lake").mkdir(parents=True)
    monkeypatch.setenv("MIA_LEDGER_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    result = CliRunner().invoke(app, ["backup", str(tmp_path / "b.tar"), "--home", str(tmp_path / "home")])
    assert result.exit_code == 0
    assert "back it up with pg_dump" in result.output


def test_a_place_inside_is_refused(tiny_home: Path) -> None:
    result = CliRunner().invoke(app, ["backup", str(tiny_home / "b.tar"), "--home", str(tiny_home)])
    assert isinstance(result.exception, InvalidInput)
