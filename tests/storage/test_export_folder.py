"""A folder of results is there whole or not at all."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mia.errors import InvalidInput, WorkspaceBusy
from mia.storage.export_folder import MANIFEST, export_folder


def export(out: Path, value: int, *names: str, written_by: str = "test") -> None:
    with export_folder(out, "parquet", written_by) as folder:
        for name in names:
            folder.write(name, pa.table({"n": [value]}))
        folder.describe({"value": value})


def export_half(out: Path, earlier: int) -> None:
    """Fails when one of two tables is written; until then what was there is there."""
    with export_folder(out, "parquet", "test") as folder:
        folder.write("a", pa.table({"n": [earlier + 1]}))
        assert pq.read_table(out / "a.parquet")["n"].to_pylist() == [earlier]
        raise RuntimeError("in the middle")


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_an_export_takes_the_place_of_an_earlier_one_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out, 1, "a", "b")
    assert names_in(out) == {"a.parquet", "b.parquet", MANIFEST}
    out.chmod(0o750)
    export(out, 2, "a")
    assert names_in(out) == {"a.parquet", MANIFEST}
    assert out.stat().st_mode & 0o777 == 0o750
    assert pq.read_table(out / "a.parquet")["n"].to_pylist() == [2]
    assert json.loads((out / MANIFEST).read_text("utf-8")) == {
        "written_by": "test",
        "format": "parquet",
        "files": {"a.parquet": {"rows": 1, "columns": ["n"]}},
        "value": 2,
    }
    assert names_in(tmp_path) == {"out"}


def test_what_was_there_stays_when_an_export_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out, 1, "a")
    with pytest.raises(RuntimeError, match="in the middle"):
        export_half(out, earlier=1)
    assert pq.read_table(out / "a.parquet")["n"].to_pylist() == [1]
    assert names_in(tmp_path) == {"out"}
    with pytest.raises(RuntimeError), export_folder(tmp_path / "fresh", "parquet", "test"):
        raise RuntimeError
    assert names_in(tmp_path) == {"out"}


def test_what_a_killed_export_left_is_put_right(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(out, 1, "a")
    # Killed while it wrote, and between the two renames.
    (tmp_path / ".out.writing").mkdir()
    (tmp_path / ".out.writing" / "half.parquet").write_bytes(b"PAR1")
    out.rename(tmp_path / ".out.earlier")
    with pytest.raises(RuntimeError), export_folder(out, "parquet", "test"):
        raise RuntimeError
    assert names_in(out) == {"a.parquet", MANIFEST}
    assert names_in(tmp_path) == {"out"}


@pytest.mark.parametrize("name", ["notes.txt", "c.parquet"])
def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    export(out, 1, "a")
    (out / name).write_text("mine")
    with pytest.raises(InvalidInput, match=f"holds '{name}'"):
        export(out, 2, "a")
    assert names_in(out) == {"a.parquet", MANIFEST, name}
    (out / name).unlink()
    with pytest.raises(InvalidInput, match=r"not of an earlier export"):
        export(out, 2, "a", written_by="another command")
    (out / MANIFEST).write_text("[]")
    with pytest.raises(InvalidInput, match=r"not of an earlier export"):
        export(out, 2, "a")


def test_other_refusals_name_the_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path)
    for out, rule in (
        (file, "must be a folder"),
        (tmp_path / "link", "must be a folder"),
        (tmp_path / "no" / "out", "does not exist"),
        (Path("/"), "does not exist"),
        (tmp_path / ("x" * 300), "cannot be written: File name too long"),
    ):
        with pytest.raises(InvalidInput, match=rule) as refused:
            export(out, 1, "a")
        assert refused.value.file == str(out)
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty", 1, "a")
    assert names_in(tmp_path) == {"file", "link", "empty"}


def test_only_one_process_writes_it_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with export_folder(out, "parquet", "test") as folder:
        folder.write("a", pa.table({"n": [1]}))
        with pytest.raises(WorkspaceBusy):
            export(out, 2, "a")
    assert pq.read_table(out / "a.parquet")["n"].to_pylist() == [1]
