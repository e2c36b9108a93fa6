"""`mia ingest` tells what became of every row, and reads a year of records of a real operator."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
from tests.fakes.intake import EVENT, OFFER, SUBSCRIBER, USAGE, Operator, write_csv
from typer.testing import CliRunner

from mia.bootstrap import open_workspace
from mia.cli.ingest import ingest
from mia.errors import InvalidInput
from mia.settings import load_settings

MEGALINE = Path(__file__).parents[2] / "data" / "sample" / "mappings" / "megaline.yaml"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    app.command()(ingest)
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--home", str(tmp_path / "home")])


def test_it_prints_counts_reasons_and_where_the_rejects_lie(run: Any, tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.write("subscribers.csv", SUBSCRIBER)
    operator.write("offers.yaml", OFFER)
    operator.write("events.csv", EVENT, {**EVENT, "event_id": "e2", "offer_id": "opera"})
    operator.write("usage.csv", USAGE, USAGE, {**USAGE, "kind": "fax"})
    (tmp_path / "in" / "README.md").write_text("read me")
    result = run(tmp_path / "in")
    assert (result.exit_code, result.exception) == (0, None)
    words = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["usage", "1", "3", "1", "1", "1"] in words
    assert ["events", "1", "2", "1", "0", "1"] in words
    assert ["usage", "kind", "unknown", "kind", "1"] in words
    assert ["events", "offer_id", "unknown", "offer", "1"] in words
    assert "not read: README.md" in result.stdout
    (rejects,) = (tmp_path / "home" / "rejects").iterdir()
    assert str(rejects) in result.stdout
    with rejects.open(newline="") as file:
        assert [row["source_file"] for row in csv.DictReader(file)] == ["events.csv", "usage.csv"]
    again = run(tmp_path / "in" / "subscribers.csv")
    assert "already loaded: subscribers.csv" in again.stdout


def test_it_tells_what_was_corrected_and_withdrawn(run: Any, tmp_path: Path) -> None:
    later = [{**USAGE, "version": "2"}, {**USAGE, "version": "3", "withdrawn": "true"}]
    source = write_csv(tmp_path / "usage.csv", [{**USAGE, "version": "1", "withdrawn": ""}, *later])
    write_csv(tmp_path / "subscribers.csv", [SUBSCRIBER])
    run(tmp_path / "subscribers.csv")
    result = run(source)
    words = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["usage", "1", "3", "1", "2", "0", "0", "1"] in words


def test_it_refuses_with_the_name_of_the_file(run: Any, tmp_path: Path) -> None:
    result = run(write_csv(tmp_path / "usage.csv", [{"subscriber_id": "s1"}]))
    assert isinstance(result.exception, InvalidInput)
    assert str(result.exception) == "usage.csv, column occurred_at: the column is required"


def test_a_table_can_be_named(run: Any, tmp_path: Path) -> None:
    assert run(write_csv(tmp_path / "part-0.csv", [SUBSCRIBER]), "--table", "subscribers").exit_code == 0
    wrong = run(write_csv(tmp_path / "part-1.csv", [SUBSCRIBER]), "--table", "events")
    assert isinstance(wrong.exception, InvalidInput)


def test_the_megaline_mapping_reads_its_shape(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "megaline"
    user = {"user_id": "1000", "first_name": "Ada", "last_name": "Byron", "age": "45", "city": "Boston, MA"}
    write_csv(
        folder / "megaline_users.csv",
        [
            {**user, "reg_date": "2018-01-24", "plan": "surf", "churn_date": ""},
            {**user, "user_id": "1001", "reg_date": "2018-02-01", "plan": "ultimate", "churn_date": "2018-12-18"},
        ],
    )
    call = {"user_id": "1000", "call_date": "2018-12-27"}
    write_csv(
        folder / "megaline_calls.csv",
        [
            {"id": "1000_1", **call, "duration": "8.52"},
            {"id": "1000_2", **call, "duration": "0.0"},
            {"id": "1000_3", **call, "duration": "?"},
        ],
    )
    write_csv(
        folder / "megaline_internet.csv",
        [{"id": "1000_1", "user_id": "1000", "session_date": "2018-12-29", "mb_used": "89.5"}],
    )
    write_csv(
        folder / "megaline_messages.csv",
        [{"id": "1000_1", "user_id": "1001", "message_date": "2018-12-30"}],
    )
    write_csv(folder / "megaline_plans.csv", [{"plan_name": "surf"}])
    result = run(folder, "--mapping", MEGALINE)
    assert (result.exit_code, result.exception) == (0, None)
    assert "not read: megaline_plans.csv" in result.stdout
    workspace = open_workspace(load_settings(tmp_path / "home"))
    with duckdb.connect() as connection:
        usage = connection.execute(
            f"SELECT record_id, subscriber_id, kind, quantity, charge, local_hour "
            f"FROM read_parquet({workspace.lake.paths('usage')}) ORDER BY record_id"
        ).fetchall()
        people = connection.sql(f"FROM read_parquet({workspace.lake.paths('subscribers')})").to_arrow_table()
    workspace.close()
    assert usage == [
        ("data-1000_1", "1000", "data", 89.5 * 1048576, 0.0, 0),
        ("sms-1000_1", "1001", "sms", 1.0, 0.0, 0),
        ("voice-1000_1", "1000", "voice", 540.0, 0.0, 0),
        ("voice-1000_2", "1000", "voice", 0.0, 0.0, 0),
    ]
    assert people["birth_year"].to_pylist() == [1973, 1973]
    assert people["tariff"].to_pylist() == ["surf", "ultimate"]
    assert people["region"].to_pylist() == ["Boston, MA"] * 2
    assert not {"first_name", "last_name", "churn_date"}.intersection(people.column_names)
    assert "Byron" not in "".join(path.read_text() for path in (tmp_path / "home" / "rejects").iterdir())
