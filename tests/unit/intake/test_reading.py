"""Damage to a file is refused by name; damage to a row is put aside with its number."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mia.errors import InvalidInput
from mia.intake.raw import ROW
from mia.intake.reading import open_source
from mia.intake.rejects import REJECTS, create_rejects
from mia.intake.sources import Source


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET threads = 1")
        opened.execute("SET TimeZone = 'UTC'")
        create_rejects(opened)
        yield opened


def source(tmp_path: Path, content: bytes, name: str = "usage.csv", **options: object) -> Source:
    path = tmp_path / name
    path.write_bytes(content)
    return Source("usage", path, name, "parquet" if name.endswith("parquet") else "csv", **options)  # type: ignore[arg-type]


def numbered(connection: duckdb.DuckDBPyConnection, item: Source, column: str = "a") -> list[tuple[int, object]]:
    raw = open_source(connection, item, 0)
    rows = connection.execute(f'SELECT "{ROW}", {column} FROM {raw.relation} ORDER BY 1').fetchall()
    raw.close(connection)
    return rows


def rejected(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(f'SELECT source_row, "column", rule, raw FROM {REJECTS} ORDER BY 1').fetchall()


def test_rows_keep_their_number_around_ragged_ones(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    text = b'a,b\nr1,1\nr2\nr3,3,3\nr4,"multi\nline"\nr5\nr6,6'
    assert numbered(connection, source(tmp_path, text)) == [(1, "r1"), (4, "r4"), (6, "r6")]
    assert rejected(connection) == [
        (2, None, "ragged row", "r2"),
        (3, None, "ragged row", "r3,3,3"),
        (5, None, "ragged row", "r5"),
    ]


def test_many_rows_keep_their_number(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET threads = 2")
    lines = [f"{n},x" if n % 1000 else f"{n}" for n in range(1, 150_001)]
    item = source(tmp_path, ("a,b\n" + "\n".join(lines)).encode())
    raw = open_source(connection, item, 0)
    wrong = connection.execute(
        f'SELECT count(*) FILTER (a::BIGINT <> "{ROW}"), count(*) FROM {raw.relation}'
    ).fetchall()
    assert wrong == [(0, 149_850)]


def test_rows_keep_their_number_between_crowds_of_damaged_ones(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute("SET threads = 2")
    # Runs of damage longer than a bucket, every other row, and none at all, around the edges of buckets.
    sound = [n for n in range(1, 4_001) if not (300 <= n < 900 or (1_000 <= n < 2_100 and n % 2) or n in (3_999, 1))]
    lines = [f"{n},x" if n in set(sound) else ("x" if n % 3 else f"{n},x,y") for n in range(1, 4_001)]
    item = source(tmp_path, ("a,b\n" + "\n".join(lines) + "\n").encode())
    raw = open_source(connection, item, 0)
    rows = connection.execute(f'SELECT "{ROW}", a FROM {raw.relation} ORDER BY 1').fetchall()
    assert rows == [(n, str(n)) for n in sound]
    assert [row for row, *_ in rejected(connection)] == sorted(set(range(1, 4_001)) - set(sound))


def test_rows_of_mapped_files_do_not_leave_them(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    numbered(connection, source(tmp_path, b"a,name\n1,Ada,x\n2,Bo\n", columns={"kind": "a"}))
    assert rejected(connection) == [(1, None, "ragged row", None)]


def test_packed_files_and_byte_order_marks_are_read(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    content = gzip.compress(b"\xef\xbb\xbfa;b\r\n1;2\r\n")
    assert numbered(connection, source(tmp_path, content, "usage.csv.gz", delimiter=";")) == [(1, "1")]


def test_a_file_without_rows_has_none(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    assert numbered(connection, source(tmp_path, b"a,b\n")) == []


@pytest.mark.parametrize(
    ("name", "content", "rule", "row"),
    [
        ("usage.csv", b"", "empty", None),
        ("usage.csv", "a,b\n1,2\n3,при\n".encode("cp1251"), "UTF-8", 2),
        ("usage.csv", b'a,b\n1,2\n3,"4\n5,6\n', "does not end", 2),
        ("usage.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)[:-30], "cannot be", None),
        ("usage.parquet", b"", "empty", None),
        ("usage.parquet", b"PAR1", "cannot be read", None),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection, name: str, content: bytes, rule: str, row: int | None
) -> None:
    with pytest.raises(InvalidInput, match=rule) as caught:
        open_source(connection, source(tmp_path, content, name), 0)
    assert (caught.value.file, caught.value.row) == (name, row)


def test_a_truncated_parquet_file_is_refused(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_source(connection, source(tmp_path, content[:-100], "usage.parquet"), 0)


def test_columns_that_a_mapping_computes_with_get_a_type_and_the_rest_stays_text(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    text = b"id,whole,part,day,moment,yes,zip,ref,none\n007,1,2.5,2021-01-31,2021-01-31 10:00,true,01234,1000_93,\n"
    columns = {"subscriber_id": "id", "x": "whole + part", "y": "[day, moment]", "z": "[yes, zip, ref, none]"}
    raw = open_source(connection, source(tmp_path, text, columns=columns), 0)
    assert dict(raw.types) == {
        "id": "VARCHAR",
        "whole": "BIGINT",
        "part": "DOUBLE",
        "day": "DATE",
        "moment": "TIMESTAMPTZ",
        "yes": "BOOLEAN",
        "zip": "VARCHAR",
        "ref": "VARCHAR",
        "none": "NULL",
    }
    values = connection.execute(f"SELECT id, whole + part, abs(none), day - 1 FROM {raw.relation}").fetchall()
    assert [str(value) for value in values[0]] == ["007", "3.5", "None", "2021-01-30"]


def test_values_that_do_not_fit_a_declared_type_are_put_aside_once_a_row(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    item = source(
        tmp_path,
        b"a,b\n1,1\nx,y\n2,z\n,3\n",
        columns={"kind": "a + b"},
        types={"A": "BIGINT", "b": "DOUBLE"},
    )
    assert numbered(connection, item) == [(1, 1), (4, None)]
    assert rejected(connection) == [(2, "a", "not a BIGINT", "x"), (3, "b", "not a DOUBLE", "z")]


def test_a_type_of_a_column_that_is_not_there_is_refused(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(InvalidInput, match="the file lacks") as caught:
        open_source(connection, source(tmp_path, b"a\n1\n", columns={"kind": "a"}, types={"q": "BIGINT"}), 0)
    assert caught.value.column == "q"
