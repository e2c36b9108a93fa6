"""Processes beside one another: readers see whole snapshots, even when the one that publishes dies."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from tests.storage.profile_store.people import ANNA, DAY, HISTORY, Row, profiles_of

from mia.errors import UnknownSnapshot
from mia.frames import Profiles
from mia.storage.profile_store import LmdbProfileStore

spawn = multiprocessing.get_context("spawn")
IDS = [f"s{number:04d}" for number in range(600)]
Seen = tuple[str, set[float]]


def row_of_version(number: int) -> Row:
    return [float(number), 0.0], ANNA[1], ANNA[2], ANNA[3]


def chunks_of_version(number: int) -> Iterator[Profiles]:
    for part in (IDS[:250], IDS[250:]):
        yield profiles_of(dict.fromkeys(part, row_of_version(number)))


def publish(store: LmdbProfileStore, number: int) -> str:
    return store.publish(DAY, chunks_of_version(number), HISTORY, str(number))


def look(store: LmdbProfileStore) -> Seen | None:
    """Fingerprint and values of what is current; None when it was pruned between asking its name and opening it."""
    name = str(store.current())
    try:
        fingerprint = store.fingerprint(name)
    except UnknownSnapshot as error:
        return None if error.pruned else (f"{name} was never there", set())
    many, known = store.find_many(name, IDS)
    one = store.find(name, IDS[300])
    assert one is not None
    assert known.all()
    return fingerprint, {*many.numeric[:, 0].tolist(), float(one.numeric[0, 0])}


def read_until_told(folder: Path, pipe: Connection) -> None:
    store = LmdbProfileStore(folder)
    seen = [look(store)]
    pipe.send("reading")
    while not pipe.poll():
        seen.append(look(store))
    pipe.send([one for one in seen if one])


def hold_and_read(folder: Path, pipe: Connection) -> None:
    store = LmdbProfileStore(folder)
    name = str(store.current())
    assert store.find(name, IDS[0]) is not None
    pipe.send(name)
    pipe.recv()
    many, known = store.find_many(name, IDS)
    pipe.send((store.fingerprint(name), bool(known.all()), set(many.numeric[:, 0].tolist())))


def die_publishing(folder: Path, pipe: Connection) -> None:
    def chunks() -> Iterator[Profiles]:
        first, _ = chunks_of_version(66)
        yield first
        pipe.send([path.name for path in folder.glob("staging-*/data.mdb")])
        os.kill(os.getpid(), signal.SIGKILL)

    LmdbProfileStore(folder).publish(DAY, chunks(), HISTORY, "66")


@pytest.fixture
def beside() -> Iterator[object]:
    """Starts a function of this file in a process of its own; gives the process and the pipe to it."""
    started: list[multiprocessing.process.BaseProcess] = []

    def start(target: object, folder: Path) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=target, args=(folder, theirs))
        process.start()
        theirs.close()
        started.append(process)
        return process, ours

    yield start
    for process in started:
        process.kill()
        process.join()
        process.close()


def require_whole(seen: list[Seen]) -> None:
    assert seen
    for fingerprint, values in seen:
        assert values == {float(fingerprint)}, fingerprint


def test_processes_see_whole_snapshots_while_others_are_published(store: LmdbProfileStore, beside) -> None:
    store.keep = 1
    publish(store, 0)
    readers = [beside(read_until_told, store.folder)[1] for _ in range(2)]
    assert [pipe.recv() for pipe in readers] == ["reading"] * 2
    for number in range(1, 30):
        publish(store, number)
    for pipe in readers:
        pipe.send("stop")
        require_whole(pipe.recv())


def test_threads_see_whole_snapshots_while_others_are_published(store: LmdbProfileStore) -> None:
    publish(store, 0)
    seen: list[Seen | None] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(look(store))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 15):
        publish(store, number)
    done.set()
    for reader in readers:
        reader.join()
    require_whole([one for one in seen if one])


def test_a_pruned_snapshot_stays_with_the_process_that_has_it_open(store: LmdbProfileStore, beside) -> None:
    store.keep = 1
    publish(store, 5)
    _, pipe = beside(hold_and_read, store.folder)
    held = pipe.recv()
    publish(store, 6)
    assert not (store.folder / held).exists()
    with pytest.raises(UnknownSnapshot, match="was pruned"):
        store.history(held)
    pipe.send("read")
    assert pipe.recv() == ("5", True, {5.0})


def test_a_publication_that_is_killed_is_never_seen(store: LmdbProfileStore, beside) -> None:
    name = publish(store, 1)
    process, pipe = beside(die_publishing, store.folder)
    assert pipe.recv() == ["data.mdb"]
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert store.current() == name
    assert look(store) == ("1", {1.0})
    assert list(store.folder.glob("staging-*"))
    assert publish(store, 2) == "2021-07-01.2"
    assert not list(store.folder.glob("staging-*"))
    assert look(store) == ("2", {2.0})
