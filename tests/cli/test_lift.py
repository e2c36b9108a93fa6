import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from tests.unit.uptake.reference import an_event
from typer.testing import CliRunner

from mia.cli.lift import lift
from mia.domain.event import EventKind
from mia.domain.subscriber import ArmSplit
from mia.errors import InvalidInput
from mia.storage.ledger import open_ledger


@pytest.fixture(scope="module")
def home(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tiny workspace's lake with a ledger of its own."""
    folder = tmp_path_factory.mktemp("lift")
    (folder / "lake").symlink_to(tiny_home / "lake")
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db", lambda: 1)
    ledger.append_events(
        [
            an_event(
                f"e{day}-{name}",
                EventKind.CONNECTION,
                18_800 + day,
                subscriber_id=name,
                offer_id=f"music_30-{day}" if day else "music_30",
                arm=str(ArmSplit().arm_of(name)),
            )
            for day in range(20)
            for name in ("s1", "s2", "s3")
        ]
    )
    ledger.close()
    return str(folder)


def call(*arguments: str):
    app = typer.Typer()
    app.command()(lift)
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)


def test_a_table_for_people(home: str) -> None:
    result = call("--by", "region", "--home", home)
    assert result.exit_code == 0, result.exception
    for text in ("total*", "Kurgan*", "caused by MIA", "note: no event follows a decision", "variance removed"):
        assert text in result.output


def test_json_and_csv_carry_the_same_figures(home: str) -> None:
    body = json.loads(call("--by", "category", "--home", home, "--format", "json").output)
    rows = list(csv.DictReader(io.StringIO(call("--by", "category", "--home", home, "--format", "csv").output)))
    assert [row["group"] for row in rows] == ["total", "(unknown)", "music"]
    assert [int(row["connections_mia"]) + int(row["connections_control"]) for row in rows] == [60, 57, 3]
    assert body["total"]["arms"]["mia"]["connections"] == int(rows[0]["connections_mia"])
    assert body["total"]["connections"]["mia"] == float(rows[0]["connections_mean_mia"]) == 20.0
    assert body["total"]["arms"]["mia"]["value"] + body["total"]["arms"]["control"]["value"] == 120.0
    assert body["unvalued"] == 57


def test_a_file_has_the_types_of_numbers_also_where_they_are_missing(home: str, tmp_path: Path) -> None:
    file = tmp_path / "lift.parquet"
    assert call("--by", "category", "--home", home, "--format", "parquet", "--out", str(file)).exit_code == 0
    read = pq.read_table(file)
    assert read["connections_mia"].to_pylist()[0] + read["connections_control"].to_pylist()[0] == 60
    assert {str(field.type) for field in read.schema} <= {"string", "int64", "double", "bool"}
    refused = call("--home", home, "--format", "parquet").exception
    assert isinstance(refused, InvalidInput)
    assert refused.option == "--format"


def test_a_plan(home: str) -> None:
    text = call("--plan", "--lift", "0.3", "--days", "30", "--share", "0.34", "--home", home)
    assert text.exit_code == 0, text.exception
    assert "chance to find a lift of 30.0% in 30 days" in text.output
    plan = json.loads(call("--plan", "--share", "0.34", "--home", home, "--format", "json").output)
    assert (plan["control"], plan["mia"], plan["days"]) == (1, 2, 90)
    assert plan["connections_per_month"] == pytest.approx(30.0)
    assert isinstance(call("--plan", "--home", home, "--format", "csv").exception, InvalidInput)


def test_what_is_refused_is_named(home: str) -> None:
    assert call("--by", "offer", "--home", home).exception.parameter == "by"
    assert call("--plan", "--days", "0", "--share", "0.34", "--home", home).exception.option == "--days"
