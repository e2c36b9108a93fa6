"""The data engine: sessions in UTC that read files by column name and write one file a day."""

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mia.storage.engine import DuckDBEngine

ENGINE = DuckDBEngine(threads=1)


def write(path: Path, **columns: list[object]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_files_are_read_by_name_and_their_folders_add_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "region=moon"
    paths = [write(folder / "a.parquet", x=[1, 2], region=["Kurgan", None]), write(folder / "b.parquet", x=[3])]
    with ENGINE.open() as session:
        found = session.fetch(session.read(paths).order_by("x"))
    assert found.to_pydict() == {"x": [1, 2, 3], "region": ["Kurgan", None, None]}


def test_rows_are_written_by_day_in_order_and_counted(tmp_path: Path) -> None:
    data = pa.table({"day": [8, 7, 8, 8], "who": ["c", "a", "a", "b"], "x": [1.0, 2.0, 3.0, 4.0]})
    folder = tmp_path / "it's"
    with ENGINE.open() as session:
        files = session.write_by_day(session.table(data), folder, column="day", order_by=["who"])
        assert [(day, rows) for day, _, rows in files] == [(7, 1), (8, 3)]
        assert all(path.is_relative_to(folder) and path.is_file() for _, path, _ in files)
        back = session.fetch(session.read([str(files[1][1])]))
        assert session.write_by_day(session.table(data.slice(0, 0)), tmp_path / "no", column="day", order_by=[]) == []
    assert back.to_pydict() == {"day": [8, 8, 8], "who": ["a", "b", "c"], "x": [3.0, 4.0, 1.0]}


def test_sessions_are_in_utc_and_bounded(tmp_path: Path) -> None:
    engine = DuckDBEngine(threads=1, memory_limit="100MiB", spill=tmp_path / "spill")
    with engine.connect() as connection:
        names = ("TimeZone", "threads", "memory_limit", "temp_directory")
        found = connection.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}").fetchone()
    assert found == ("UTC", 1, "100.0 MiB", str(tmp_path / "spill"))


def test_a_session_ends_with_its_context() -> None:
    with ENGINE.open() as session:
        table = session.table(pa.table({"x": [1]}))
        assert session.fetch(table.select(y=table.x + ibis.literal(1))).to_pydict() == {"y": [2]}
    with pytest.raises(Exception, match="closed"):
        session.fetch(table)
