import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.storage.conftest import NOW
from tests.storage.records import ANY_EVENTS, a_table, an_event

from mia.errors import InvalidInput, InvalidSettings, LedgerUnavailable
from mia.storage.ledger import SqlLedger, database, open_ledger
from mia.storage.ledger.content import digest_of, digests_of

WRITER = """
import sys
from mia.ports import Proposal
from mia.storage.ledger import GroupCommit, open_ledger
from tests.fakes.callers import hand_in
from tests.storage.records import a_decision, an_event

ledger = open_ledger(sys.argv[1], lambda: 1)
writer = GroupCommit(ledger)
number = 0
while True:
    futures = [writer.submit_events([an_event(f"e{number + step}")]) for step in range(5)]
    decision = hand_in(writer, Proposal(a_decision(f"d{number}")))
    for step, future in enumerate(futures):
        future.result()
        sys.stdout.write(f"e{number + step}\\n")
    sys.stdout.write(decision.result().decision_id + "\\n")
    sys.stdout.flush()
    number += 5
"""


def test_what_was_acknowledged_survives_a_kill(url: str) -> None:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, cwd=root, env={"PYTHONPATH": f"{root}/src"}
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().decode().strip() for _ in range(60)]
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.read().decode().split("\n")[:-1]
    process.stdout.close()
    process.wait()
    ledger = open_ledger(url, lambda: 1)
    assert len(acknowledged) >= 60
    events = {entry for entry in acknowledged if entry.startswith("e")}
    assert events <= set(ledger.events()["event_id"].to_pylist())
    for decision_id in set(acknowledged) - events:
        assert ledger.decision(decision_id).decision_id == decision_id
    ledger.close()


def test_sqlite_keeps_acknowledged_commits_through_a_power_cut(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1)
    with ledger.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() > 0
    ledger.close()


def test_a_failing_write_leaves_nothing(sql_ledger: SqlLedger) -> None:
    with pytest.raises(InvalidInput):
        sql_ledger.append_events([an_event("good"), an_event("bad", occurred_at=2**70)])
    assert sql_ledger.position() == 0


def test_the_clock_stamps_what_is_recorded(sql_ledger: SqlLedger) -> None:
    sql_ledger.append_events([an_event("a")])
    sql_ledger.load_events(a_table([an_event("b")]))
    with sql_ledger.database.reading() as connection:
        assert connection.execute(text("SELECT recorded_at FROM events")).scalars().all() == [NOW, NOW]


def test_a_broken_database_is_unavailable(url: str) -> None:
    ledger = open_ledger(url, lambda: 1)
    with ledger.database.writing() as connection:
        connection.execute(text("ALTER TABLE events RENAME TO elsewhere"))
    for call in (
        lambda: ledger.append_events([an_event()]),
        lambda: ledger.load_events(a_table([an_event()])),
        ledger.position,
        ledger.events,
        lambda: ledger.responses("s1"),
    ):
        with pytest.raises(LedgerUnavailable):
            call()
    ledger.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1)


def test_a_locked_file_is_unavailable(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1)
    with ledger.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=10")
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.append_events([an_event()])
    other.execute("ROLLBACK")
    other.close()
    assert ledger.append_events([an_event()])
    ledger.close()


def test_a_server_whose_lock_is_held_is_unavailable(
    fresh_schema: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 50)
    url = fresh_schema()
    ledger, other = open_ledger(url, lambda: 1), open_ledger(url, lambda: 1)
    with other.database.writing():
        with pytest.raises(LedgerUnavailable, match="lock timeout"):
            ledger.append_events([an_event()])
        assert ledger.position() == 0
    assert ledger.append_events([an_event()])
    ledger.close()
    other.close()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        open_ledger(f"postgresql://nobody@/mia?host={tmp_path}", lambda: 1)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/mia", "nonsense"])
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InvalidSettings, match="ledger_url"):
        open_ledger(url, lambda: 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(ANY_EVENTS, min_size=1, max_size=4))
def test_digests_agree_one_by_one_and_in_columns(events: list) -> None:
    assert digests_of(a_table(events)).to_pylist() == [digest_of(event) for event in events]
