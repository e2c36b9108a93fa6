"""Growth against a January before MIA, from the command line: the sample's foreign logs by their mapping."""

import csv
import io
from pathlib import Path
from shutil import copy, copytree

import pytest
from typer.testing import CliRunner, Result

from mia.cli.main import app

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
EARLIER = SAMPLE / "mappings" / "earlier_offers"
MAPPING = SAMPLE / "mappings" / "earlier_offers.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the subscribers and the catalogue of the sample."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MIA_HOME", str(tmp_path / "home"))
    source = tmp_path / "source"
    source.mkdir()
    for name in ("subscribers.parquet", "catalogue.yaml"):
        copy(SAMPLE / name, source / name)
    run("ingest", source)
    return tmp_path / "home"


def run(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def uptake(*words: str) -> list[dict[str, str]]:
    told = run("uptake", "--baseline", "2021-01", "--format", "csv", *words)
    return list(csv.DictReader(io.StringIO(told.stdout)))


@pytest.mark.usefixtures("home")
def test_growth_reaches_back_to_before_mia_and_a_second_load_adds_nothing() -> None:
    told = run("ingest", EARLIER, "--mapping", MAPPING)
    assert "rejected rows" not in told.stdout
    before = uptake("--by", "channel")
    counted = {row["group"] for row in before if int(row["connections"])}
    assert counted >= {"app", "web", "chat", "whatsapp", "call_centre"}
    assert {row["month"] for row in before} >= {"2021-01", "2021-02", "2021-03"}
    calls = [row for row in before if row["group"] == "call_centre"]
    # Seven calls of January ended with a yes; one of February did not, and one of March did.
    assert [int(row["cumulative"]) for row in calls][:3] == [7, 7, 8]
    again = run("ingest", EARLIER, "--mapping", MAPPING)
    assert "already loaded" in again.stdout
    assert uptake("--by", "channel") == before
    assert "Urals" in run("uptake", "--baseline", "2021-01", "--by", "macro_region").stdout


def test_a_bad_row_is_kept_with_file_row_column_and_rule(home: Path, tmp_path: Path) -> None:
    folder = Path(copytree(EARLIER, tmp_path / "theirs"))
    log = folder / "log.csv"
    bad = [
        "32.01.2021 10:00:00;s0000001;GB5;МП;Показ",
        "05.01.2021 10:00:00;s0000001;GB5;МП;Продано",
        "05.01.2021 10:00:00;s0000001;GB7;МП;Показ",
        "05.01.2021 10:00:00;nobody;GB5;МП;Показ",
    ]
    lines = log.read_text("utf-8").splitlines()
    log.write_text("\n".join([lines[0], *bad, *lines[1:]]) + "\n", "utf-8")
    run("ingest", folder, "--mapping", MAPPING)
    with next((home / "rejects").iterdir()).open(encoding="utf-8", newline="") as file:
        found = {
            (row["source_file"], int(row["source_row"]), row["column"], row["rule"]) for row in csv.DictReader(file)
        }
    assert {(file, row, column) for file, row, column, _ in found} == {
        ("log.csv", 1, "occurred_at"),
        ("log.csv", 2, "kind"),
        ("log.csv", 3, "offer_id"),
        ("log.csv", 4, "subscriber_id"),
    }
    assert all(rule for *_, rule in found)
    assert sum(int(row["impressions"]) for row in uptake()) > 100


def test_decision_ids_of_another_system_are_kept_where_they_are_mapped(home: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    rows = ("shown", "bought")
    (tmp_path / "theirs" / "log.csv").write_text(
        "id;moment;who;what;did;ask\n"
        + "".join(f"{did};2021-01-05T10:00:00Z;s0000001;data_5;{did};old-7\n" for did in rows)
    )
    (tmp_path / "m.yaml").write_text(
        """
events:
  - path: log.csv
    delimiter: ";"
    columns:
      event_id: "'old-' || id"
      occurred_at: moment
      subscriber_id: who
      offer_id: what
      kind: did
      channel: "'web'"
      decision_id: ask
    values: {kind: {shown: impression, bought: connection}}
""",
        "utf-8",
    )
    run("ingest", tmp_path / "theirs", "--mapping", tmp_path / "m.yaml")
    assert not (home / "rejects").exists() or not list((home / "rejects").iterdir())
    (january,) = [row for row in uptake() if row["month"] == "2021-01"]
    assert (january["impressions"], january["connections"]) == ("1", "1")
