"""One person: all that is held is handed out, and forgotten everywhere without a change of any total."""

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from tests.fakes.world import NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.cli.person import erase, export
from mia.cli.prune import prune
from mia.domain.decision import DecisionRequest
from mia.domain.event import EventKind
from mia.errors import SpoolBusy

REJECTED = """table,source_file,source_row,column,rule,reason,raw
usage,usage.csv,7,kind,unknown kind,what it is,"{who}|fax|1"
usage,usage.csv,8,kind,unknown kind,what it is,"{who}0|fax|1"
"""


@pytest.fixture
def opened(world: World, tmp_path: Path):
    found = open_workspace(world.settings(world.copy(tmp_path)))
    yield found
    found.close()


@pytest.fixture
def who(opened: Workspace) -> str:
    """A subscriber that connected something, with a decision and a rejected row."""
    events = opened.ledger.events().to_pylist()
    found = next(row["subscriber_id"] for row in events if row["kind"] == EventKind.CONNECTION)
    opened.ledger.append_decisions([opened.decisions.decide(DecisionRequest(found, "app", NOON))])
    opened.rejects.mkdir(exist_ok=True)
    (opened.rejects / "load.csv").write_text(REJECTED.format(who=found), "utf-8")
    return str(found)


def uptake(opened: Workspace) -> list[list[dict[str, object]]]:
    report = opened.uptake
    return [
        report.table("2021-01", by).to_pylist() for by in (None, "region", "macro_region", "offer", "channel", "arm")
    ]


def rows_left(opened: Workspace, who: str) -> dict[str, int]:
    left: dict[str, int] = {}
    for file in opened.lake.files(None):
        if file.path.endswith(".parquet") and "subscriber_id" in pq.read_schema(opened.lake.folder / file.path).names:
            table = pq.read_table(opened.lake.folder / file.path)
            assert table.num_rows == file.rows
            left[file.table] = left.get(file.table, 0) + table["subscriber_id"].to_pylist().count(who)
    return left


def test_everything_is_handed_out(opened: Workspace, who: str) -> None:
    found = opened.export_person(who)
    assert [row["subscriber_id"] for row in found["subscribers"]] == [who]
    usage = opened.lake.paths("usage")
    assert len(found["usage"]) == sum(pq.read_table(path)["subscriber_id"].to_pylist().count(who) for path in usage) > 0
    events = opened.ledger.events().to_pylist()
    assert {row["event_id"] for row in found["events"]} == {
        row["event_id"] for row in events if row["subscriber_id"] == who
    }
    (decision,) = found["decisions"]
    assert decision["request"]["subscriber_id"] == who
    assert decision["offers"][0]["offer_id"]
    assert found["profile"]["features"]["tenure_days"] > 0
    assert [row["source_row"] for row in found["rejects"]] == ["7"]
    assert orjson.loads(orjson.dumps(found))["subscriber_id"] == who


def test_a_person_is_forgotten_and_no_total_changes(opened: Workspace, who: str) -> None:
    before, held = uptake(opened), rows_left(opened, who)
    assert all(held[table] > 0 for table in ("subscribers", "usage", "daily", "window_sums"))
    others = {table: opened.lake.files(table)[0].path for table in held}
    erased = opened.erase_person(who, snapshots=True)
    assert erased.rows == {table: rows for table, rows in held.items() if rows}
    assert (erased.rejects, erased.decisions, erased.snapshots) == (1, 1, ())
    assert erased.events > 0
    assert not any(rows_left(opened, who).values())
    assert opened.profiles.holding(who) == []
    assert uptake(opened) == before
    nothing = opened.export_person(who)
    assert not any(nothing[part] for part in ("subscribers", "usage", "events", "decisions", "profile", "rejects"))
    # The neighbour whose id begins like this one stays, and what was made of the files is not stale.
    assert f"{who}0" in (opened.rejects / "load.csv").read_text("utf-8")
    assert others["usage"] == opened.lake.files("usage")[0].path
    assert opened.builder.fold() == 0
    assert opened.erase_person(who).rows == {}


def test_what_waits_in_a_spool_is_not_passed_over(opened: Workspace, who: str) -> None:
    opened.spool.append([b"{}"])
    opened.spool.sync()
    for call in (opened.erase_person, opened.export_person):
        with pytest.raises(SpoolBusy, match="spool"):
            call(who)
    opened.spool.peek(1)
    opened.spool.drop()
    assert opened.erase_person(who).decisions == 1


def test_the_commands(opened: Workspace, who: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    old = opened.decisions.decide(DecisionRequest("old", "app", NOON))
    # A process opens a snapshot only once, and commands are processes of their own.
    opened.profiles.close()
    export(who, out=None, home=opened.home)
    told = orjson.loads(capsysbinary.readouterr().out)
    assert told["subscriber_id"] == who
    export(who, out=tmp_path / "found.json", home=opened.home)
    assert orjson.loads((tmp_path / "found.json").read_bytes()) == told
    capsysbinary.readouterr()
    erase(who, snapshots=False, home=opened.home)
    said = capsysbinary.readouterr().out.decode()
    assert "rows of usage removed" in said
    assert "1 rejected rows and 1 decisions removed" in said
    assert "still in 1 profile snapshots" in said
    opened.ledger.append_decisions([old])
    prune(home=opened.home)
    said = capsysbinary.readouterr().out.decode()
    assert said == "1 decisions removed; this month and the 13 before it are kept\n"
