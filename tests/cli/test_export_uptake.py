import csv
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import typer
from tests.fakes.door import build_history
from typer.testing import CliRunner

from mia.bootstrap import open_workspace
from mia.cli.export_uptake import export_uptake
from mia.domain.event import EventKind
from mia.errors import InvalidInput
from mia.settings import load_settings
from mia.storage.ledger import open_ledger

MEASURES = ("impressions", "clicks", "connections", "disconnections")


@pytest.fixture(scope="module")
def home(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny workspace's lake with a ledger of its own."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "lake").symlink_to(tiny_home / "lake")
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db", lambda: 1_625_140_800_000_000)
    ledger.append_events(build_history())
    ledger.close()
    return folder


def call(*arguments: str):
    app = typer.Typer()
    app.command()(export_uptake)
    return CliRunner(env={"MIA_UPTAKE__LATE_SHARE": "0.5"}).invoke(app, arguments)


def test_files_read_back_with_equal_sums(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call("--out", str(out), "--home", str(home))
    assert result.exit_code == 0, result.exception
    manifest = json.loads((out / "export.json").read_text("utf-8"))
    assert (manifest["baseline"], manifest["grain"]) == ("2021-01", "month")
    assert manifest["ledger_position"] == len(build_history())
    assert set(manifest["files"]) == {file.name for file in out.iterdir()} - {"export.json"}
    assert result.output == f"{len(manifest['files'])} tables in {out}\n"
    opened = open_workspace(load_settings(home))
    try:
        told = {by: opened.uptake.table("2021-01", by) for by in (None, "region", "category", "region,arm")}
    finally:
        opened.close()
    (connections,) = {sum(table["connections"].to_pylist()) for table in told.values()}
    assert connections == sum(event.kind is EventKind.CONNECTION for event in build_history())
    for by, table in told.items():
        file = out / f"uptake_{'total' if by is None else 'by_' + by.replace(',', '_')}.parquet"
        read = pq.read_table(file)
        assert manifest["files"][file.name] == {"rows": table.num_rows, "columns": table.column_names}
        assert read.schema.names == table.schema.names
        named = {"group", "subgroup"} & set(table.column_names)
        assert read.drop(list(named)).to_pylist() == table.drop(list(named)).to_pylist()
        assert all("(unknown)" not in names for names in (table[name].to_pylist() for name in named))
    sums = ", ".join(f"sum({name})::BIGINT" for name in MEASURES)
    asked = duckdb.sql(f"SELECT month, {sums} FROM '{out}/uptake_monthly.parquet' GROUP BY 1 ORDER BY 1")
    assert asked.fetchall() == [(row["month"], *(row[name] for name in MEASURES)) for row in told[None].to_pylist()]
    cut = duckdb.sql(
        f"SELECT region, category, sum(connections)::INT FROM '{out}/uptake_monthly.parquet' GROUP BY ALL"
    ).fetchall()
    assert {region for region, _, _ in cut} == {row["group"] or "(unknown)" for row in told["region"].to_pylist()}
    assert sum(count for _, category, count in cut if category == "music") == sum(
        row["connections"] for row in told["category"].to_pylist() if row["group"] == "music"
    )
    schema = pq.read_schema(out / "uptake_monthly.parquet")
    assert schema.names[:2] == ["month", "month_start"]
    assert str(schema.field("month_start").type) == "date32[day]"


def test_csv_weeks_chosen_groupings_and_lift(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ("--out", str(out), "--home", str(home))
    chosen = ("--format", "csv", "--grain", "week", "--by", "arm", "--by", "arm", "--by", "offer,channel", "--lift")
    assert call(*common).exit_code == 0
    result = call(*common, *chosen, "--baseline", "2021-02")
    assert result.exit_code == 0, result.exception
    assert {file.stem for file in out.glob("*.csv")} == {
        *("uptake_total", "uptake_by_arm", "uptake_by_offer_channel", "uptake_monthly", "uptake_restatements"),
        *(f"lift_by_{name}" for name in ("region", "macro_region", "category", "channel")),
    }
    assert list(out.glob("*.parquet")) == []
    assert json.loads((out / "export.json").read_text("utf-8"))["baseline"] == "2021-02"
    with (out / "uptake_by_arm.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["week"].startswith("2020-W53")
    assert {row["group"] for row in rows} == {"mia", "control"}
    with (out / "lift_by_region.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["group"] == "total"


def test_what_is_refused_leaves_the_folder_as_it_was(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ("--out", str(out), "--home", str(home))
    for wrong in (("--baseline", "2020-01"), ("--by", "colour"), ("--by", "region,region")):
        assert isinstance(call(*common, *wrong).exception, InvalidInput)
        assert list(tmp_path.iterdir()) == []
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    refused = call(*common).exception
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith(f"{out}: holds 'mine.txt'")
    assert [file.name for file in out.iterdir()] == ["mine.txt"]


def test_without_events_it_says_so(tmp_path: Path) -> None:
    open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1).close()
    result = call("--out", str(tmp_path / "out"), "--home", str(tmp_path))
    assert "there are no events to export yet" in str(result.exception)
    assert not (tmp_path / "out").exists()
    assert isinstance(call("--out", str(tmp_path / "out"), "--home", str(tmp_path / "no")).exception, InvalidInput)
