"""Old snapshots go by policy, never those in use, and say so afterwards."""

from pathlib import Path

import pytest
from tests.storage.profile_store.people import ANNA, BOB, DAY, HISTORY, Row, profiles_of, rows_of

from mia.errors import UnknownSnapshot
from mia.storage.profile_store import LmdbProfileStore
from mia.storage.profile_store.store import MOST_OPEN


def publish(store: LmdbProfileStore, day: int, row: Row = ANNA) -> str:
    return store.publish(day, [profiles_of({"a": row}, day)], HISTORY, "f")


def there(store: LmdbProfileStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir() if path.is_dir())


def test_the_newest_stay(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=3)
    names = [publish(store, DAY + day) for day in range(6)]
    assert there(store) == names[-3:]
    for name in names[:3]:
        with pytest.raises(UnknownSnapshot, match=f"{name}.*was pruned.*keep_snapshots") as caught:
            store.find(name, "a")
        assert (caught.value.snapshot, caught.value.pruned) == (name, True)
    for name in names[3:]:
        assert store.find(name, "a") is not None
    store.close()


def test_newest_is_by_day_and_number_not_by_text(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=3)
    names = [publish(store, DAY) for _ in range(11)]
    assert there(store) == sorted(names[-3:])
    store.close()


def test_what_is_current_stays_however_old_its_day(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=1)
    newest = publish(store, DAY)
    old = publish(store, DAY - 50)
    assert (there(store), store.current()) == ([old, newest], old)
    assert publish(store, DAY + 1) == "2021-07-02.1"
    assert there(store) == ["2021-07-02.1"]
    store.close()


def test_what_is_open_stays_until_it_is_closed(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=1)
    first = publish(store, DAY)
    assert store.find(first, "a") is not None
    second = publish(store, DAY + 1)
    third = publish(store, DAY + 2)
    assert there(store) == [first, third]
    with pytest.raises(UnknownSnapshot, match="was pruned"):
        store.history(second)
    assert store.find(first, "a") is not None
    store.close()
    publish(store, DAY + 3)
    assert there(store) == ["2021-07-04.1"]
    store.close()


def test_the_name_of_a_pruned_snapshot_is_never_given_again(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=1)
    first = publish(store, DAY)
    publish(store, DAY + 1)
    assert not (tmp_path / first).exists()
    assert publish(store, DAY, BOB) == "2021-07-01.2"
    with pytest.raises(UnknownSnapshot, match="was pruned"):
        store.find(first, "a")
    store.close()


def test_pruning_that_was_interrupted_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LmdbProfileStore(tmp_path, keep=1)
    first = publish(store, DAY)

    def dies(path: Path) -> None:
        raise KeyboardInterrupt(path.name)

    with monkeypatch.context() as patched:
        patched.setattr("mia.storage.profile_store.store.shutil.rmtree", dies)
        with pytest.raises(KeyboardInterrupt, match="staging"):
            publish(store, DAY + 1)
    assert store.current() == "2021-07-02.1"
    with pytest.raises(UnknownSnapshot, match="was pruned"):
        store.find(first, "a")
    publish(store, DAY + 2)
    assert there(store) == ["2021-07-03.1"]
    store.close()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, keep=1)
    for name in ("notes", "2021-07-01", "2021-07-01.1.backup"):
        (tmp_path / name).mkdir()
    for day in range(3):
        publish(store, DAY + day)
    assert there(store) == ["2021-07-01", "2021-07-01.1.backup", "2021-07-03.1", "notes"]
    store.close()


def test_only_a_few_snapshots_are_open_at_once(tmp_path: Path) -> None:
    """Else a server of months would hold the disk of every snapshot that it ever read."""
    store = LmdbProfileStore(tmp_path, keep=100)
    names = [publish(store, DAY + day, ([float(day), 0.0], {}, {}, {})) for day in range(MOST_OPEN + 3)]
    for round_ in range(2):
        for day, name in enumerate(names):
            found = store.find(name, "a")
            assert found is not None
            assert rows_of(found)[0][0] == [float(day), 0.0], round_
            assert store.find(names[0], "a") is not None
            assert len(store._open) <= MOST_OPEN
            assert names[0] in store._open
    store.close()
