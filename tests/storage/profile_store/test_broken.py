"""A snapshot that is half there is refused by name before anything of it is read."""

import shutil
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import orjson
import pytest
from tests.storage.profile_store.people import ANNA, DAY, HISTORY, profiles_of

from mia.errors import BrokenSnapshot, MiaError
from mia.storage.profile_store import LmdbProfileStore
from mia.storage.profile_store.manifest import spread_digest


@pytest.fixture
def folder(store: LmdbProfileStore) -> Path:
    """A snapshot of a few hundred subscribers, not opened yet."""
    people = {f"s{number:04d}": ANNA for number in range(700)}
    return store.folder / store.publish(DAY, [profiles_of(people)], HISTORY, "f")


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def edit(folder: Path, **changes: object) -> None:
    path = folder / "snapshot.json"
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | changes))


def overwrite(folder: Path, page: int) -> None:
    with (folder / "data.mdb").open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\0" * 4096)


def empty_store(folder: Path) -> None:
    """Another LMDB file in the place of the one that was published, declared as such."""
    shutil.rmtree(folder)
    lmdb.open(str(folder), lock=False).close()


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated data": (lambda folder: cut(folder / "data.mdb", 40_960), "40,960 bytes instead of"),
    "empty data": (lambda folder: cut(folder / "data.mdb", 0), " 0 bytes instead of"),
    "longer data": (
        lambda folder: cut(folder / "data.mdb", 0) or (folder / "data.mdb").write_bytes(b"x" * 10**6),
        "by",
    ),
    "no data": (lambda folder: (folder / "data.mdb").unlink(), "data.mdb is missing"),
    "no manifest": (lambda folder: (folder / "snapshot.json").unlink(), "snapshot.json is missing"),
    "half a manifest": (lambda folder: cut(folder / "snapshot.json", 200), "snapshot.json cannot be read"),
    "empty manifest": (lambda folder: cut(folder / "snapshot.json", 0), "snapshot.json cannot be read"),
    "a manifest of nothing": (lambda folder: (folder / "snapshot.json").write_text("[]"), "another version"),
    "another format": (lambda folder: edit(folder, format=99), "another version"),
    "fewer rows": (lambda folder: edit(folder, rows=701), "rows are missing"),
    "a hole at the start": (lambda folder: overwrite(folder, 0), "not the file that was published"),
    "a hole in the middle": (lambda folder: overwrite(folder, 5), "not the file that was published"),
    "an old snapshot": (empty_store, "snapshot.json is missing"),
    "an empty folder": (lambda folder: [path.unlink() for path in folder.iterdir()], "snapshot.json is missing"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_half_a_snapshot_is_refused(store: LmdbProfileStore, folder: Path, damage: str) -> None:
    do, said = DAMAGE[damage]
    do(folder)
    for ask in (
        lambda: store.find(folder.name, "s0001"),
        lambda: store.find_many(folder.name, ["s0001"]),
        lambda: store.fingerprint(folder.name),
        lambda: store.history(folder.name),
    ):
        with pytest.raises(BrokenSnapshot, match=said) as caught:
            ask()
        assert isinstance(caught.value, MiaError)
        assert caught.value.snapshot == folder.name
        assert folder.name in str(caught.value)


def test_a_file_that_lmdb_does_not_know_is_refused(store: LmdbProfileStore, folder: Path) -> None:
    (folder / "data.mdb").write_bytes(b"of another LMDB" * 4096)
    edit(folder, bytes=(folder / "data.mdb").stat().st_size, digest=spread_digest(folder / "data.mdb"))
    with pytest.raises(BrokenSnapshot, match="LMDB"):
        store.find(folder.name, "s0001")


def test_the_file_of_another_day_is_refused(store: LmdbProfileStore, folder: Path) -> None:
    people = {f"s{number:04d}": ANNA for number in range(700)}
    changed = profiles_of(people)
    changed.numeric[:, 0] = np.float32(7.5)
    other = store.folder / store.publish(DAY, [changed], HISTORY, "f")
    assert (folder / "data.mdb").stat().st_size == (other / "data.mdb").stat().st_size
    shutil.copy(other / "data.mdb", folder / "data.mdb")
    with pytest.raises(BrokenSnapshot, match="not the file that was published"):
        store.find(folder.name, "s0001")
    assert store.find(other.name, "s0001") is not None


def test_another_copy_is_whole(store: LmdbProfileStore, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "restored")
    restored = LmdbProfileStore(tmp_path / "restored")
    found = restored.find(str(restored.current()), "s0699")
    assert found is not None
    restored.close()


def test_a_broken_snapshot_does_not_stand_in_the_way(store: LmdbProfileStore, folder: Path) -> None:
    cut(folder / "data.mdb", 4096)
    fresh = store.publish(DAY, [profiles_of({"s0001": ANNA})], HISTORY, "f")
    assert fresh != folder.name
    assert store.find(str(store.current()), "s0001") is not None
