import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from tests.unit.uptake.reference import an_event
from typer.testing import CliRunner

from mia.bootstrap import wall_clock
from mia.cli.keys import keys_app
from mia.cli.uptake import uptake
from mia.domain.event import EventKind
from mia.errors import InvalidInput
from mia.ports import ApiKey
from mia.storage.ledger import SqlKeys, open_ledger


@pytest.fixture
def home(tmp_path: Path) -> str:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1_612_000_000_000_000)
    ledger.append_events(
        [
            an_event("a", EventKind.CONNECTION, 18_629),
            an_event("b", EventKind.CONNECTION, 18_660, subscriber_id="s2"),
            an_event("c", EventKind.IMPRESSION, 18_661, macro_region=None),
        ]
    )
    ledger.close()
    return str(tmp_path)


def call(app: typer.Typer, *arguments: str):
    # Of four events one comes late, and that must not hold the month back.
    settings = {"MIA_UPTAKE__SMALL_BASE": "1", "MIA_UPTAKE__LATE_SHARE": "0.5"}
    return CliRunner(env={"COLUMNS": "160"} | settings).invoke(app, arguments)


def uptake_app() -> typer.Typer:
    app = typer.Typer()
    app.command()(uptake)
    return app


def test_a_table_for_people(home: str) -> None:
    result = call(uptake_app(), "--baseline", "2021-01", "--by", "macro_region", "--home", home)
    assert result.exit_code == 0
    assert "Urals" in result.output
    assert "(unknown)" in result.output
    assert "2.000" in result.output
    assert "100.0" in result.output
    assert "2021-02* Urals" in result.output
    assert "*: the month is not complete" in result.output
    january = call(uptake_app(), "--baseline", "2021-01", "--to", "2021-01", "--home", home).output
    assert "*" not in january


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_month_group_or_figure_is_cut_however_narrow_the_terminal(tmp_path: Path, columns: str) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1_612_000_000_000_000)
    names = ("Saint Petersburg", "A region whose name is longer than any other one of the operator's regions")
    ledger.append_events(
        [an_event(name, EventKind.CONNECTION, 18_629, region=name, subscriber_id=name[:9]) for name in names]
    )
    ledger.close()
    arguments = ("--baseline", "2021-01", "--by", "region", "--home", str(tmp_path))
    output = CliRunner(env={"COLUMNS": columns, "MIA_UPTAKE__SMALL_BASE": "1"}).invoke(uptake_app(), arguments).output
    assert "…" not in output
    for name in names:
        (line,) = (line for line in output.splitlines() if name in line)
        assert line.split()[0] == "2021-01*"
        assert line.split()[-7:] == ["0", "0", "1", "0", "1", "1.000", "0.0"]


def test_figures_by_region_fit_into_80_columns(home: str) -> None:
    output = CliRunner(env={"COLUMNS": "80"}).invoke(uptake_app(), ["--baseline", "2021-01", "--home", home]).output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_csv_and_json_carry_the_same_figures(home: str) -> None:
    arguments = ("--baseline", "2021-01", "--from", "2021-02", "--to", "2021-02", "--home", home)
    rows = json.loads(call(uptake_app(), *arguments, "--format", "json").output)
    assert rows == [
        {
            "month": "2021-02",
            "group": "total",
            "impressions": 1,
            "clicks": 0,
            "connections": 1,
            "disconnections": 0,
            "cumulative": 2,
            "index": 2.0,
            "growth_percent": 100.0,
            "complete": False,
            "net_active": 2,
            "since_baseline": 2,
            "since_baseline_index": 2.0,
            "since_baseline_growth_percent": 100.0,
            "active_subscribers": None,
            "per_1000_active": None,
            "matured_impressions": 0,
            "accepted_impressions": 0,
            "acceptance_percent": None,
            "small_base": False,
        }
    ]
    (row,) = csv.DictReader(io.StringIO(call(uptake_app(), *arguments, "--format", "csv").output))
    assert list(row) == list(rows[0])
    assert (row["month"], row["cumulative"], float(row["index"])) == ("2021-02", "2", 2.0)


def test_events_without_a_value_have_one_name_and_none_in_json(home: str) -> None:
    arguments = ("--baseline", "2021-01", "--by", "macro_region", "--home", home)
    rows = json.loads(call(uptake_app(), *arguments, "--format", "json").output)
    assert [row["group"] for row in rows] == [None, "Urals"] * 2
    table = csv.DictReader(io.StringIO(call(uptake_app(), *arguments, "--format", "csv").output))
    assert [row["group"] for row in table] == ["(unknown)", "Urals"] * 2
    assert "(unknown)" in call(uptake_app(), *arguments).output


def test_a_time_without_events_is_answered_with_the_months_there_are(home: str) -> None:
    result = call(uptake_app(), "--baseline", "2021-01", "--from", "2030-01", "--home", home)
    assert isinstance(result.exception, InvalidInput)
    assert "there are from 2021-01 to 2021-02" in str(result.exception)


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1).close()
    result = call(uptake_app(), "--baseline", "2021-01", "--home", str(tmp_path))
    assert (result.exit_code, result.output) == (0, "No events to report on.\n")


def test_grains_filters_and_two_dimensions(home: str, tmp_path: Path) -> None:
    common = ("--baseline", "2021-01", "--home", home)
    weeks = call(uptake_app(), *common, "--grain", "week", "--by", "region,arm", "--more")
    assert "2021-W05* Kurgan mia" in " ".join(weeks.output.split())
    assert "the week is not complete" in weeks.output
    nobody = json.loads(call(uptake_app(), *common, "--channel", "web", "--format", "json").output)
    assert [row["cumulative"] for row in nobody] == [0, 0]
    file = tmp_path / "uptake.parquet"
    assert call(uptake_app(), *common, "--format", "parquet", "--out", str(file)).exit_code == 0
    assert pq.read_table(file)["cumulative"].to_pylist() == [1, 2]
    refused = call(uptake_app(), *common, "--format", "parquet")
    assert isinstance(refused.exception, InvalidInput)


def test_what_changed_since_it_was_published_is_listed_until_it_is_published_anew(home: str) -> None:
    common = ("--baseline", "2021-01", "--home", home)
    assert "Restated" not in call(uptake_app(), *common).output
    ledger = open_ledger(f"sqlite:///{home}/ledger.db", lambda: 1_612_000_000_000_001)
    ledger.append_events([an_event("late", EventKind.CONNECTION, 18_630, subscriber_id="s9")])
    ledger.close()
    listed = call(uptake_app(), *common, "--publish").output
    assert "Restated" in listed
    assert "published 2021-01" in listed
    assert "Restated" not in call(uptake_app(), *common).output
    rebuilt = json.loads(call(uptake_app(), *common, "--rebuild", "--format", "json").output)
    assert rebuilt[0]["cumulative"] == 2


def test_a_bad_baseline_is_refused(home: str) -> None:
    result = call(uptake_app(), "--baseline", "2020-01", "--home", home)
    assert isinstance(result.exception, InvalidInput)
    assert result.exception.parameter == "baseline"


def test_reading_makes_no_workspace(tmp_path: Path) -> None:
    for arguments in (("--baseline", "2021-01"), ("--baseline", "2021-01", "--format", "json")):
        result = call(uptake_app(), *arguments, "--home", str(tmp_path / "nowhere"))
        assert isinstance(result.exception, InvalidInput)
        assert str(result.exception) == f"no workspace at {tmp_path}/nowhere; `mia ingest` or `mia demo` makes one"
    assert isinstance(call(keys_app(), "list", "--home", str(tmp_path)).exception, InvalidInput)
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_elsewhere_needs_no_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_LEDGER_URL", f"sqlite:///{tmp_path}/other.db")
    result = call(uptake_app(), "--baseline", "2021-01", "--home", str(tmp_path / "here"))
    assert (result.exit_code, result.output) == (0, "No events to report on.\n")


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))
    open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1).close()
    assert "No keys yet" in call(keys_app(), "list", *home).output
    secret = call(keys_app(), "create", "app", "--scope", "offers", "--scope", "events", *home).output.strip()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", wall_clock)
    keys = SqlKeys(ledger.database)
    (found,) = keys.live().values()
    assert isinstance(found, ApiKey)
    assert (found.name, found.scopes) == ("app", frozenset({"offers", "events"}))
    listed = call(keys_app(), "list", *home).output
    assert "events offers" in listed
    assert secret not in listed
    rotated = call(keys_app(), "rotate", "app", "--grace-hours", "1", *home).output.strip()
    assert rotated.startswith("mia_")
    assert rotated != secret
    assert len(keys.live()) == 2
    assert call(keys_app(), "revoke", "app", *home).output == "revoked app\n"
    assert keys.live() == {}
    ledger.close()
    assert isinstance(call(keys_app(), "revoke", "app", *home).exception, InvalidInput)
    assert isinstance(call(keys_app(), "create", "x", "--scope", "root", *home).exception, InvalidInput)
