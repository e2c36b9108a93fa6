"""The lake: a change is seen as a whole or not at all."""

import multiprocessing
import os
from pathlib import Path

import pytest

from mia.errors import WorkspaceBusy
from mia.ports import LakeChange
from mia.storage.lake import ParquetLake


@pytest.fixture
def lake(tmp_path: Path) -> ParquetLake:
    return ParquetLake(tmp_path / "lake")


def put(change: LakeChange, table: str, name: str, day: int | None = None, load: str = "l1") -> Path:
    """A file of this name in the change; what is in it is nobody's business here."""
    path = change.folder() / name
    path.write_text(name)
    change.add(table, path, rows=3, load=load, day=day)
    return path


def names(lake: ParquetLake, table: str, days: list[int] | None = None) -> list[str]:
    """Names of the live files, every one of which is there."""
    return [Path(path).name for path in lake.paths(table, days) if Path(path).is_file()]


def filled(lake: ParquetLake) -> ParquetLake:
    """Two days of usage and a table without days."""
    with lake.change() as change:
        for day in (7, 8):
            put(change, "usage", f"u{day}", day)
        put(change, "subscribers", "s1")
        change.note("loads", {"k": [1, None, "ф"]})
        change.commit()
    return lake


def test_an_empty_lake_holds_nothing(lake: ParquetLake) -> None:
    assert (lake.files("usage"), lake.paths("usage"), lake.noted("loads")) == ([], [], None)
    assert not lake.folder.exists()


def test_a_committed_change_is_there_for_every_reader(lake: ParquetLake) -> None:
    filled(lake)
    again = ParquetLake(lake.folder)
    assert names(again, "usage") == ["u7", "u8"]
    assert names(again, "usage", [8, 9]) == ["u8"]
    assert names(again, "usage", []) == []
    assert again.noted("loads") == {"k": [1, None, "ф"]}
    (file,) = again.files("subscribers")
    assert (file.table, file.rows, file.load, file.day) == ("subscribers", 3, "l1", None)
    assert all(Path(path).is_absolute() for path in again.paths("usage"))


def test_nothing_is_seen_before_the_commit(lake: ParquetLake) -> None:
    filled(lake)
    before = (lake.folder / "manifest.json").read_bytes()
    with lake.change() as change:
        put(change, "usage", "u9", 9)
        change.drop("subscribers")
        change.note("loads", "other")
        assert (names(lake, "usage"), names(lake, "subscribers")) == (["u7", "u8"], ["s1"])
        assert (lake.folder / "manifest.json").read_bytes() == before
        change.commit()
    assert (names(lake, "usage"), names(lake, "subscribers")) == (["u7", "u8", "u9"], [])


def test_drop_leaves_out_what_was_there_and_keeps_what_comes_after(lake: ParquetLake) -> None:
    filled(lake)
    with lake.change() as change:
        change.drop("usage", [8])
        put(change, "usage", "u8-again", 8)
        change.drop("subscribers")
        put(change, "subscribers", "s2")
        change.drop("unheard of")
        change.commit()
    assert (names(lake, "usage"), names(lake, "subscribers")) == (["u7", "u8-again"], ["s2"])
    assert lake.noted("loads") is not None


def fail_half_way(lake: ParquetLake) -> None:
    with lake.change() as change:
        put(change, "usage", "u9", 9)
        (change.folder() / "deep" / "er").mkdir(parents=True)
        change.drop("subscribers")
        raise RuntimeError("half-way")


def test_a_change_that_fails_leaves_the_old_state_and_its_files_are_swept(lake: ParquetLake) -> None:
    filled(lake)
    before = (lake.folder / "manifest.json").read_bytes()
    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way(lake)
    (stray,) = lake.folder.glob("change-*/u9")
    assert (lake.folder / "manifest.json").read_bytes() == before
    assert names(lake, "subscribers") == ["s1"]
    with lake.change():
        pass
    assert not stray.parent.exists()
    assert (names(lake, "usage"), names(lake, "subscribers")) == (["u7", "u8"], ["s1"])


def test_files_that_a_change_left_out_are_swept_when_none_of_their_change_counts_any_more(lake: ParquetLake) -> None:
    filled(lake)
    first = Path(lake.paths("usage")[0]).parent
    for table in ("usage", "subscribers"):
        with lake.change() as change:
            change.drop(table)
            change.commit()
        assert first.exists()
    with lake.change():
        pass
    assert not first.exists()


def _die_in_a_change(folder: Path) -> None:
    with ParquetLake(folder).change() as change:
        put(change, "usage", "u9", 9)
        change.drop("usage", [7])
        os._exit(9)


def test_a_process_killed_in_a_change_leaves_the_old_state_and_no_lock(lake: ParquetLake) -> None:
    filled(lake)
    process = multiprocessing.get_context("spawn").Process(target=_die_in_a_change, args=(lake.folder,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert len(list(lake.folder.glob("change-*"))) == 2
    assert names(lake, "usage") == ["u7", "u8"]
    with lake.change() as change:
        assert len(list(lake.folder.glob("change-*"))) == 1
        put(change, "usage", "u10", 10)
        change.commit()
    assert names(lake, "usage") == ["u7", "u8", "u10"]


def test_only_one_change_is_at_work(lake: ParquetLake) -> None:
    with lake.change() as change:
        kept = put(change, "usage", "u7", 7)
        with pytest.raises(WorkspaceBusy) as refused, ParquetLake(lake.folder).change():
            pass
        assert refused.value.folder == str(lake.folder)
        assert kept.exists()
        change.commit()
    with lake.change() as change:
        change.commit()
    assert names(lake, "usage") == ["u7"]
