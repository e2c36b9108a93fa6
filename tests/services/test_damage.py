"""Bad input at volume: each damaged row is rejected for its own reason, each sound one is loaded, nothing twice."""

import csv
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.damage import SORTS, write_damaged
from tests.fakes.intake import USAGE, Operator

from mia.errors import InvalidInput
from mia.storage.engine import DuckDBEngine


@pytest.mark.parametrize("rows", [4_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_every_damaged_row_is_rejected_for_its_own_reason(tmp_path: Path, rows: int) -> None:
    operator = Operator(tmp_path)
    operator.connect = DuckDBEngine(threads=2, memory_limit="1GB").connect
    made = write_damaged(tmp_path / "in", rows, seed=3)
    assert len(SORTS) >= 20
    assert set(made.rejected.values()) == {fault for fault, _ in SORTS}
    operator.load(made.subscribers)
    report = operator.load(made.usage)
    usage = report.table("usage")
    assert (usage.rows, usage.accepted, usage.duplicates) == (rows, made.sound, made.repeats)
    assert usage.rejected_rows == len(made.rejected) == rows - made.sound - made.repeats
    assert report.rejects is not None
    with report.rejects.open(newline="", encoding="utf-8") as file:
        found = {int(row["source_row"]): (row["column"] or None, row["rule"]) for row in csv.DictReader(file)}
    assert found == made.rejected
    assert {(item.column, item.rule): item.rows for item in usage.rejected} == Counter(made.rejected.values())
    assert lake(operator) == (made.sound, made.sound, made.quantity)
    # Unknown subscribers and what lay in the future get another chance, and nothing else does.
    again = operator.load(made.usage).table("usage")
    assert (again.rows, again.accepted, again.rejected_rows) == (rows, 0, len(made.rejected))
    assert lake(operator) == (made.sound, made.sound, made.quantity)


def lake(operator: Operator) -> tuple[int, int, int]:
    """Rows, distinct record ids and the sum of quantities of the lake's usage."""
    with duckdb.connect() as connection:
        query = "SELECT count(*), count(DISTINCT record_id), CAST(sum(quantity) AS BIGINT)"
        (row,) = connection.execute(f"{query} FROM read_parquet({operator.lake.paths('usage')})").fetchall()
    return row


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path).begin()


def write_records(operator: Operator, rows: int) -> Path:
    return operator.write("usage.csv", *({**USAGE, "record_id": f"r{row}"} for row in range(rows)))


def refused(operator: Operator, path: Path) -> InvalidInput:
    """The error of a load that must change nothing."""
    before = operator.state()
    with pytest.raises(InvalidInput) as caught:
        operator.load(path)
    assert operator.state() == before
    assert not operator.rejects.exists()
    return caught.value


@pytest.mark.parametrize(("sign", "rows"), [(";", 20_000), ("\t", 40), ("|", 40)])
def test_a_file_that_changes_its_delimiter_half_way_is_refused(operator: Operator, sign: str, rows: int) -> None:
    path = write_records(operator, 4)
    header, *lines = path.read_text("utf-8").splitlines()
    lines = lines * (rows // 4)
    half = rows // 2
    path.write_text("\n".join([header, *lines[:half], *(line.replace(",", sign) for line in lines[half:])]), "utf-8")
    error = refused(operator, path)
    assert (error.file, error.row, error.rule) == ("usage.csv", half + 1, f"the delimiter changes from ',' to {sign!r}")


def test_a_quote_that_does_not_end_refuses_the_file_and_text_behind_a_quote_the_row(operator: Operator) -> None:
    path = write_records(operator, 30)
    sound = path.read_text("utf-8")
    path.write_text(sound.replace("voice,60,1.5,r7", 'voice,60,1.5,"r7'), "utf-8")
    assert (refused(operator, path).row, refused(operator, path).rule) == (8, "a quoted value does not end")
    path.write_text(sound.replace("voice,60,1.5,r7", 'voice,60,1.5,"r7"x'), "utf-8")
    report = operator.load(path)
    (kept,) = operator.rejected(report)
    assert (kept["source_row"], kept["column"], kept["rule"]) == ("8", "record_id", "text behind a quoted value")
    assert report.table("usage").accepted == 29


def test_a_file_in_another_encoding_is_refused_and_one_broken_row_is_not(operator: Operator) -> None:
    rows = [{**USAGE, "record_id": f"r{row}", "category": "фильмы" if row % 5 == 0 else "video"} for row in range(30)]
    path = operator.write("usage.csv", *rows)
    text = path.read_text("utf-8")
    path.write_bytes(text.encode("cp1251"))
    assert (refused(operator, path).row, refused(operator, path).rule) == (1, "is not encoded in UTF-8")
    path.write_bytes(text.replace("фильмы", "films").encode().replace(b"r9,video", b"r9,vid\xffeo"))
    report = operator.load(path)
    (kept,) = operator.rejected(report)
    assert (kept["source_row"], kept["column"], kept["rule"]) == ("10", "category", "not encoded in UTF-8")
    assert report.table("usage").accepted == 29


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_truncated_parquet_file_is_refused(operator: Operator, kept: float) -> None:
    path = operator.folder / "in" / "usage.parquet"
    rows = 2_000
    columns = {
        **{name: [value] * rows for name, value in USAGE.items()},
        "record_id": [f"r{row}" for row in range(rows)],
    }
    pq.write_table(pa.table(columns), path, row_group_size=100)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    assert refused(operator, path).file == "usage.parquet"
    path.write_bytes(whole)
    assert operator.load(path).table("usage").accepted == rows


def test_a_parquet_file_with_a_hole_in_its_pages_is_refused_whole(operator: Operator) -> None:
    path = operator.folder / "in" / "usage.parquet"
    rows = 2_000
    columns = {
        **{name: [value] * rows for name, value in USAGE.items()},
        "record_id": [f"r{row}" for row in range(rows)],
    }
    pq.write_table(pa.table(columns), path, row_group_size=100)
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 200] = bytes(200)
    path.write_bytes(whole)
    assert refused(operator, path).file == "usage.parquet"
