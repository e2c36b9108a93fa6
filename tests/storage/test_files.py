"""Files are written whole or not at all."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from mia.errors import InvalidInput, WorkspaceBusy
from mia.storage.files import only_writer, replace_durably, require_writable, scratch_folder, write_table

TABLE = pa.table(
    {
        "subscriber_id": ["a", 'b "ж", c'],
        "as_of": pa.array([date(2021, 7, 1)] * 2, pa.date32()),
        "x": [0.1 + 0.2, None],
    }
)


def test_parquet_comes_back_as_it_was(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").equals(TABLE)


def test_csv_keeps_every_bit_of_a_number_and_a_null_is_an_empty_cell(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text("utf-8").splitlines() == [
        '"subscriber_id","as_of","x"',
        '"a",2021-07-01,0.30000000000000004',
        '"b ""ж"", c",2021-07-01,',
    ]
    assert pc.read_csv(tmp_path / "t.csv").equals(TABLE)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_another_result_is_replaced_and_nothing_else_is_left(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("old")
    write_table(TABLE, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() != b"old"


def test_a_failed_write_leaves_the_old_result(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("old")
    nested = pa.table({"x": [[1, 2]]})
    with pytest.raises(pa.ArrowInvalid):
        write_table(nested, tmp_path / "t.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "old")]


@pytest.mark.parametrize(
    ("name", "rule"),
    [("t.json", "named"), ("t", "named"), ("no/t.csv", "does not exist"), ("folder.csv", "is a folder")],
)
def test_a_result_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path, name: str, rule: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    for refuse in (lambda: require_writable(tmp_path / name), lambda: write_table(TABLE, tmp_path / name)):
        with pytest.raises(InvalidInput, match=rule) as refused:
            refuse()
        assert refused.value.file == str(tmp_path / name)


def test_a_small_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        replace_durably(tmp_path / "current", content)
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("current", content)]


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "current.fresh").write_bytes(b"half of a longer one")
    replace_durably(tmp_path / "current", b"one")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("current", b"one")]


def test_a_scratch_folder_is_empty_at_first_and_gone_at_last(tmp_path: Path) -> None:
    folder = tmp_path / "spill" / "ingest"
    folder.mkdir(parents=True)
    (folder / "of one that was killed").write_text("left")
    with scratch_folder(folder) as found:
        assert list(found.iterdir()) == []
        (found / "part").write_text("mine")
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), scratch_folder(folder):
        _ = 1 / 0
    assert not folder.exists()


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "by it"
    with only_writer(folder), pytest.raises(WorkspaceBusy, match="another process"), only_writer(folder):
        pass
    with pytest.raises(ZeroDivisionError), only_writer(folder):
        _ = 1 / 0
    with only_writer(folder), only_writer(tmp_path / "another"):
        pass
