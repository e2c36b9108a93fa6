"""Killed at any moment: the next run ends in the state of one that nobody disturbed."""

import json
import random
import signal
import time
from collections.abc import Iterator, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.fakes.intake import EVENT, SUBSCRIBER, USAGE, write_csv
from tests.fakes.process import start_mia

from mia.bootstrap import open_workspace
from mia.settings import Settings
from mia.tables import AMENDED, SUBSCRIBERS
from mia.tables import USAGE as USAGE_TABLE

pytestmark = pytest.mark.slow

KILLS = 20
DAYS, PEOPLE = 20, 40
COMMANDS = {"ingest": ["ingest", "{source}"], "profile": ["profile", "--as-of", "2021-06-21"]}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every table; usage with late, corrected, withdrawn and rejected records."""
    folder = tmp_path_factory.mktemp("source")
    people = [f"s{number}" for number in range(PEOPLE)]
    write_csv(folder / "subscribers.csv", [{**SUBSCRIBER, "subscriber_id": one} for one in people])
    catalogue = "offers:\n  - {id: music, name: {ru: Музыка, en: Music}, category: music, kind: pack, value: 40}\n"
    (folder / "offers.yaml").write_text(catalogue, "utf-8")
    records: list[dict[str, Any]] = []
    for day in range(1, DAYS + 1):
        for one in people:
            made = {
                **USAGE,
                "subscriber_id": one,
                "occurred_at": f"2021-06-{day:02d}T10:00:00Z",
                "record_id": f"{one}-{day}",
                "arrived_at": "",
                "version": "1",
                "withdrawn": "",
            }
            records.append(made)
            if day % 5 == 0:
                late = {**made, "arrived_at": f"2021-06-{day:02d}T23:00:00Z", "version": "2"}
                records.append({**late, "quantity": "90"} if one < "s2" else {**late, "withdrawn": "true"})
            if day % 7 == 0:
                records.append({**made, "quantity": "-1"})
    write_csv(folder / "usage.csv", records)
    write_csv(folder / "events.csv", [{**EVENT, "event_id": one, "subscriber_id": one} for one in people])
    return folder


@pytest.fixture(scope="module")
def loaded(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("loaded") / "home"
    run("ingest", source, home)
    return home


def start(command: str, source: Path, home: Path) -> ForkServerProcess:
    return start_mia(*(word.format(source=source) for word in COMMANDS[command]), "--home", str(home))


def run(command: str, source: Path, home: Path) -> float:
    """Run a command to its end; seconds it took."""
    started = time.monotonic()
    process = start(command, source, home)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - started


def killed(command: str, source: Path, home: Path, delay: float) -> bool:
    """Kill the command after so many seconds; whether it was still at work."""
    process = start(command, source, home)
    process.join(delay)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def state(home: Path) -> Mapping[str, Any]:
    """What the workspace says, whatever its files are called."""
    opened = open_workspace(Settings(home=home, threads=1))
    try:
        snapshot = opened.profiles.current()
        return {
            **{table.name: rows(opened.lake.paths(table.name)) for table in (SUBSCRIBERS, USAGE_TABLE, AMENDED)},
            "days": [(file.day, file.rows) for file in opened.lake.files(USAGE_TABLE.name)],
            "daily": rows(opened.lake.paths("daily")),
            "loads": {
                key: {name: value for name, value in load.items() if name != "at"}
                for key, load in opened.lake.noted("loads").items()
            },
            "ledger": [
                {name: value for name, value in row.items() if name != "seq"}
                for row in opened.ledger.events().to_pylist()
            ],
            "rejects": {path.name: path.read_text("utf-8") for path in opened.rejects.glob("*")},
            "profiles": None if snapshot is None else [profile(opened, snapshot, f"s{n}") for n in range(PEOPLE)],
        }
    finally:
        opened.close()


def rows(paths: list[str]) -> list[tuple[Any, ...]]:
    if not paths:
        return []
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet({sorted(paths)}) ORDER BY ALL").fetchall()


def profile(opened: Any, snapshot: str, subscriber_id: str) -> str:
    found = opened.profiles.find(snapshot, subscriber_id)
    values = {name: column.tolist() for name, column in found.attributes.items()}
    return json.dumps(
        [np.nan_to_num(found.numeric, nan=-1.0).tolist(), found.usage.values.tolist(), values], default=str
    )


def strays(home: Path) -> Iterator[str]:
    """Files that nothing refers to."""
    opened = open_workspace(Settings(home=home, threads=1))
    live = {
        path
        for table in ("subscribers", "usage", "amended", "daily", "daily_keys", "window_sums", "key_sums")
        for path in opened.lake.paths(table)
    }
    live |= set(opened.lake.paths("offers"))
    opened.close()
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        in_lake = path.suffix == ".parquet" and str(path) not in live
        if path.is_file() and (in_lake or path.suffix in {".fresh", ".tmp"} or name.startswith(("spill", "staging"))):
            yield name


@pytest.mark.parametrize("command", COMMANDS)
def test_after_a_kill_the_next_run_ends_in_the_state_of_an_undisturbed_one(
    tmp_path: Path, source: Path, loaded: Path, command: str
) -> None:
    def begin(name: str) -> Path:
        home = tmp_path / name
        if command == "profile":
            copytree(loaded, home)
        return home

    quiet = begin("quiet")
    run(command, source, begin("first"))
    seconds = run(command, source, quiet)
    wanted = state(quiet)
    assert not list(strays(quiet))
    draw = random.Random(20210621)
    kills = 0
    for attempt in range(3 * KILLS):
        home, delay = begin(f"killed-{attempt}"), draw.uniform(0.0, seconds)
        if killed(command, source, home, delay):
            kills += 1
            run(command, source, home)
            assert state(home) == wanted, delay
            assert not list(strays(home)), delay
        rmtree(home)
        if kills == KILLS:
            return
    pytest.fail(f"only {kills} of {KILLS} kills came before the end")
