"""A mapping is refused with its file, table and column before anything is read."""

from pathlib import Path

import duckdb
import pytest
from tests.fakes.intake import write_csv

from mia.errors import InvalidInput
from mia.intake.mapping import load_mapping, names_of

GOOD = """
events:
  - path: "log/*.csv"
    delimiter: ";"
    filter: what <> 'x'
    columns: {event_id: id, occurred_at: t, subscriber_id: s, offer_id: o, kind: "'click'", channel: "'app'"}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_csv(tmp_path / "data" / "log" / "1.csv", [{"id": "1"}])
    write_csv(tmp_path / "data" / "log" / "2.csv", [{"id": "2"}])
    write_csv(tmp_path / "data" / "other.csv", [{"id": "3"}])
    return tmp_path / "data"


def mapping(files: Path, text: str) -> Path:
    path = files.parent / "m.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_mapping_names_its_sources(files: Path) -> None:
    found = load_mapping(mapping(files, GOOD), files)
    assert [item.name for item in found.sources] == ["log/1.csv", "log/2.csv"]
    assert found.ignored == ("other.csv",)
    first = found.sources[0]
    assert (first.table, first.format, first.delimiter, first.filter) == ("events", "csv", ";", "what <> 'x'")
    assert first.columns is not None
    assert first.columns["kind"] == "'click'"


def test_a_single_file_is_matched_by_its_name(files: Path) -> None:
    found = load_mapping(mapping(files, GOOD.replace("log/*", "*")), files / "log" / "1.csv")
    assert [item.name for item in found.sources] == ["1.csv"]


@pytest.mark.parametrize(
    ("old", "new", "rule", "column"),
    [
        ("events:", "evnts:", "unknown table 'evnts'", None),
        ("- path", "- folder", "events, source 1: needs a path", None),
        ("log/*", "logs/*", "no file matches 'logs/[*].csv'", None),
        ("filter:", "fliter:", "unknown key 'fliter'", None),
        ("kind: ", "kinds: ", "the column is required", "kind"),
        ("{event_id", "{colour: x, event_id", "unknown column of events", "colour"),
        ("offer_id: o", "offer_id: 'o +'", "bad SQL", "offer_id"),
        ("offer_id: o", "offer_id: 'o, p'", "bad SQL: must be one expression", "offer_id"),
        ("offer_id: o", "offer_id: 'o FROM x'", "bad SQL: must be one expression", "offer_id"),
        ("offer_id: o", "offer_id: 'o; DROP TABLE x'", "bad SQL", "offer_id"),
        ("what <> 'x'", "what <>", "bad SQL", "filter"),
        ("delimiter:", "types: {t: DATUM}\n    delimiter:", "unknown type 'DATUM'", "t"),
        ("delimiter:", "types: 5\n    delimiter:", "types must be a mapping", None),
        ("delimiter:", "values: 5\n    delimiter:", "values must be a mapping of columns", None),
        ("delimiter:", "values: {region: {a: b}}\n    delimiter:", "values of a column that is not mapped", "region"),
        ("delimiter:", "values: {kind: [a]}\n    delimiter:", "values must be a mapping of their", "kind"),
        ("delimiter:", "values: {kind: {SHOW: shown}}\n    delimiter:", "'SHOW' cannot become 'shown'", "kind"),
        ("delimiter:", "format: xml\n    delimiter:", "format is csv or parquet", None),
        ("events:", "events: 5\nusage:", "events: needs a list of sources", None),
        (GOOD, "[]", "holds a list of sources for each table", None),
        (GOOD, "{", "cannot be read", None),
    ],
)
def test_a_bad_mapping_is_refused(files: Path, old: str, new: str, rule: str, column: str | None) -> None:
    assert old in GOOD
    with pytest.raises(InvalidInput, match=rule) as caught:
        load_mapping(mapping(files, GOOD.replace(old, new)), files)
    assert (caught.value.file, caught.value.column) == ("m.yaml", column)


def test_a_file_of_unknown_ending_needs_its_format(files: Path) -> None:
    (files / "log" / "3.dat").write_text("id\n")
    with pytest.raises(InvalidInput, match=r"the format of log/3.dat is neither"):
        load_mapping(mapping(files, GOOD.replace("*.csv", "*.dat")), files)
    text = GOOD.replace("*.csv", "*.dat").replace("delimiter:", "format: csv\n    delimiter:")
    assert [item.format for item in load_mapping(mapping(files, text), files).sources] == ["csv"]


def test_what_is_not_there_is_refused(files: Path) -> None:
    with pytest.raises(InvalidInput, match="the mapping cannot be read"):
        load_mapping(files / "none.yaml", files)
    with pytest.raises(InvalidInput, match="no such file or folder"):
        load_mapping(mapping(files, GOOD), files / "none")


def test_an_expression_tells_its_columns() -> None:
    with duckdb.connect() as connection:
        assert names_of(connection, "Duration").columns == {"duration"}
        assert names_of(connection, "duration").bare
        computed = names_of(connection, "CASE WHEN a > 1 THEN ceil(t.b) ELSE 0 END")
        assert (computed.columns, computed.bare) == ({"a", "b"}, False)
