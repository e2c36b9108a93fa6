"""Six subscribers whose profiles were worked out by hand, through the real commands."""

import csv
import math
from pathlib import Path

import pytest
from tests.unit.profiles.reference.profile import CONTRACT
from typer.testing import CliRunner

from mia.cli.main import app

FOLDER = Path(__file__).parent / "six_subscribers"


def read(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["subscriber_id"]: row for row in csv.DictReader(file)}


def numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: float(row[name]) if row[name] else math.nan for name in CONTRACT}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("golden")
    out = folder / "profiles.csv"
    for words in (["ingest", str(FOLDER / "subscribers.csv")], ["ingest", str(FOLDER / "usage.csv")]):
        result = CliRunner().invoke(app, [*words, "--home", str(folder / "home")])
        assert (result.exit_code, result.exception) == (0, None)
        assert "rejected rows" not in result.stdout
    words = ["profile", "--as-of", "2021-07-01", "--out", str(out), "--home", str(folder / "home")]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.exception) == (0, None)
    return read(out)


def test_everybody_is_there_and_nobody_else(found: dict[str, dict[str, str]]) -> None:
    assert list(found) == sorted(read(FOLDER / "subscribers.csv"))
    assert {row["as_of"] for row in found.values()} == {"2021-07-01"}


@pytest.mark.parametrize("subscriber_id", sorted(read(FOLDER / "expected_profiles.csv")))
def test_the_profile_is_the_one_worked_out_by_hand(found: dict[str, dict[str, str]], subscriber_id: str) -> None:
    expected = read(FOLDER / "expected_profiles.csv")[subscriber_id]
    assert list(expected) == ["subscriber_id", "as_of", *CONTRACT]
    assert numbers(found[subscriber_id]) == pytest.approx(numbers(expected), rel=0, abs=1e-9, nan_ok=True)
