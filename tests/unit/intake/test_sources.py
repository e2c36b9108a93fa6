"""Files find their table by name, by place or by columns."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.intake import EVENT, SUBSCRIBER, USAGE, write_csv

from mia.errors import InvalidInput
from mia.intake.sources import Source, csv_header, find_sources


def found(source: Path, table: str | None = None) -> dict[str, str]:
    return {item.name: item.table for item in find_sources(source, table).sources}


def test_a_folder_is_read_by_names_and_the_rest_is_named(tmp_path: Path) -> None:
    for name in (
        "subscribers.csv",
        "Usage_2021.parquet",
        "usage/2021/06.csv.gz",
        "usage/notes.txt",
        "catalogue.yaml",
        "events_a.csv",
        "events.yaml",
        "README.md",
        "truth/events.parquet",
        "mappings/m.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert found(tmp_path) == {
        "Usage_2021.parquet": "usage",
        "catalogue.yaml": "offers",
        "events_a.csv": "events",
        "subscribers.csv": "subscribers",
        "usage/2021/06.csv.gz": "usage",
    }
    assert find_sources(tmp_path).ignored == ("README.md", "events.yaml", "mappings", "truth", "usage/notes.txt")


def test_a_folder_can_be_one_table_by_its_own_name_or_by_order(tmp_path: Path) -> None:
    part = write_csv(tmp_path / "usage_parts" / "part-0.csv", [USAGE])
    assert found(part.parent) == {"part-0.csv": "usage"}
    assert found(part.parent, "events") == {"part-0.csv": "events"}


@pytest.mark.parametrize(("row", "table"), [(SUBSCRIBER, "subscribers"), (USAGE, "usage"), (EVENT, "events")])
def test_columns_tell_the_table_of_a_file_that_its_name_does_not(
    tmp_path: Path, row: dict[str, str], table: str
) -> None:
    assert found(write_csv(tmp_path / "export.csv", [row], delimiter=";")) == {"export.csv": table}
    pq.write_table(pa.Table.from_pylist([dict(row)]), tmp_path / "export.parquet")
    assert found(tmp_path / "export.parquet") == {"export.parquet": table}


def test_a_yaml_file_is_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "new.yml").write_text("offers: []")
    assert found(tmp_path / "new.yml") == {"new.yml": "offers"}


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("export.csv", b"a,b\n1,2\n", "say which with --table"),
        ("export.xlsx", b"x", "unknown format"),
        ("export.csv", b"", "empty"),
        ("export.csv", b"\n\n", "empty"),
        ("export.csv", "имя\n".encode("cp1251"), "UTF-8"),
        ("export.csv", "id,a\n".encode("utf-16"), "UTF-8"),
        ("export.csv", "id,a\n".encode("utf-16-le"), "UTF-8"),
        ("export.csv", b"id,,c\n", "column 2 has no name"),
        ("export.csv", b"id,b,ID\n", "twice"),
        ("export.csv.gz", b"no gzip", "unpacked"),
        ("export.csv.gz", gzip.compress(b"id,a\n" * 999, mtime=0)[:20], "unpacked"),
        ("export.parquet", b"PAR1 and no more", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_told_is_refused_by_name(tmp_path: Path, name: str, content: bytes, rule: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=rule) as caught:
        find_sources(tmp_path / name)
    assert caught.value.file == name


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        find_sources(tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="holds no file of subscribers"):
        find_sources(tmp_path)
    with pytest.raises(InvalidInput, match="unknown table 'uses'"):
        find_sources(tmp_path, "uses")


def test_a_header_may_carry_a_byte_order_mark_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfevent_id ; kind;x\r\n")
    assert csv_header(tmp_path / "a.csv") == (("event_id", "kind", "x"), ";")


def test_a_source_is_the_same_by_content_and_reading_not_by_name(tmp_path: Path) -> None:
    a, b = (write_csv(tmp_path / name, [USAGE]) for name in ("a.csv", "b.csv"))
    other = write_csv(tmp_path / "c.csv", [EVENT])
    same = Source("usage", a, "a.csv", "csv").key()
    assert Source("usage", b, "b.csv", "csv").key() == same
    assert Source("events", a, "a.csv", "csv").key() != same
    assert Source("usage", a, "a.csv", "csv", columns={"kind": "'sms'"}).key() != same
    assert Source("usage", other, "c.csv", "csv").key() != same
