"""A load: every row is judged, and all of it gets in or nothing."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.intake import EVENT, NOW, OFFER, SUBSCRIBER, USAGE, Operator, write_csv

from mia.domain.subscriber import ArmSplit
from mia.errors import InvalidInput, LedgerUnavailable, NotEnoughMemory
from mia.intake import duplicates, staging
from mia.intake.report import RuleCount
from mia.services import ingest as ingest_module
from mia.storage.catalogues import load_catalogue_of
from mia.tables import CANONICAL
from mia.timeline import day_of

BASE: dict[str, dict[str, Any]] = {
    "subscribers": {**SUBSCRIBER, "subscriber_id": "s2"},
    "usage": dict(USAGE),
    "events": dict(EVENT),
}


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path).begin()


BROKEN: dict[str, list[tuple[str, str, str]]] = {
    "subscribers": [
        ("subscriber_id", "", "missing value"),
        ("region", " ", "missing value"),
        ("activated_on", "soon", "not a date"),
        ("activated_on", "2021-02-30", "not a date"),
        ("activated_on", "2021-01-01 or so", "not a date"),
        ("activated_on", "2021-07-02", "in the future"),
        ("activated_on", "1989-12-31", "before 1990"),
        ("birth_year", "1899", "below 1900"),
        ("birth_year", "2026", "above 2025"),
        ("birth_year", "1980.5", "not an integer"),
        ("timezone", "Asia/Nowhere", "unknown time zone"),
        ("timezone", "AST", "unknown time zone"),
        ("personalisation", "perhaps", "not true or false"),
    ],
    "usage": [
        ("subscriber_id", "", "missing value"),
        ("subscriber_id", "nobody", "unknown subscriber"),
        ("subscriber_id", "s\0", "not a text"),
        ("occurred_at", "", "missing value"),
        ("occurred_at", "yesterday", "not a timestamp"),
        ("occurred_at", "infinity", "not a timestamp"),
        ("occurred_at", "2021-06-01T25:00:00", "not a timestamp"),
        ("occurred_at", "2021-07-01T00:00:01Z", "in the future"),
        ("occurred_at", "2021-07-01T05:00:00+04:00", "in the future"),
        ("occurred_at", "1970-01-01", "before 1990"),
        ("kind", "", "missing value"),
        ("kind", "fax", "unknown kind"),
        ("quantity", "many", "not a number"),
        ("quantity", "nan", "not finite"),
        ("quantity", "inf", "not finite"),
        ("quantity", "-1", "below 0"),
        ("charge", "", "missing value"),
        ("charge", "-0.01", "below 0"),
        ("direction", "up", "unknown direction"),
        ("on_net", "2", "not true or false"),
        ("roaming", "lunar", "unknown roaming"),
        ("arrived_at", "later", "not a timestamp"),
        ("arrived_at", "2021-07-01T00:00:01Z", "in the future"),
        ("arrived_at", "2021-06-01T09:59:59Z", "before occurred_at"),
        ("version", "0", "below 1"),
        ("version", "two", "not an integer"),
        ("withdrawn", "perhaps", "not true or false"),
    ],
    "events": [
        ("event_id", "", "missing value"),
        ("subscriber_id", "nobody", "unknown subscriber"),
        ("offer_id", "", "missing value"),
        ("offer_id", "opera", "unknown offer"),
        ("kind", "purchase", "unknown kind"),
        ("channel", "pigeon", "unknown channel"),
        ("position", "0", "below 1"),
        ("position", "1.5", "not an integer"),
        ("propensity", "0", "not above 0"),
        ("propensity", "1.01", "above 1"),
        ("occurred_at", "2022-01-01T00:00:00Z", "in the future"),
    ],
}


@pytest.mark.parametrize("table", BROKEN)
def test_a_row_that_breaks_a_rule_is_rejected_with_it(operator: Operator, table: str) -> None:
    sound = BASE[table]
    key = CANONICAL[table].key[0]
    broken = [{**sound, key: f"n{n}", column: value} for n, (column, value, _) in enumerate(BROKEN[table])]
    report = operator.load(operator.write(f"{table}.csv", sound, *broken))
    counts = report.table(table)
    assert (counts.rows, counts.accepted, counts.duplicates) == (len(broken) + 1, 1, 0)
    kept = operator.rejected(report)
    assert [(row["column"], row["raw"][row["column"]], row["rule"]) for row in kept] == [
        (column, value.strip() or None, rule) for column, value, rule in BROKEN[table]
    ]
    assert [row["source_row"] for row in kept] == [str(n + 2) for n in range(len(broken))]
    assert {(row["table"], row["source_file"]) for row in kept} == {(table, f"{table}.csv")}
    assert all(row["reason"] == f"{row['column']}: {row['rule']}" for row in kept)
    assert counts.rejected == tuple(
        sorted(
            (
                RuleCount(column, rule, rows)
                for (column, rule), rows in Counter((c, r) for c, _, r in BROKEN[table]).items()
            ),
            key=lambda item: (-item.rows, item.column, item.rule),
        )
    )


EDGES = [
    ("occurred_at", "2021-07-01T00:00:00Z"),
    ("occurred_at", "2021-07-01 05:00:00+05"),
    ("occurred_at", "1990-01-01"),
    ("quantity", "0"),
    ("quantity", "1e9"),
    ("charge", "0"),
    ("direction", "out"),
    ("on_net", "TRUE"),
    ("roaming", "national"),
    ("arrived_at", "2021-06-01T10:00:00Z"),
    ("version", "1"),
    ("withdrawn", "no"),
]


def test_values_on_the_edge_are_sound(operator: Operator) -> None:
    rows = [{**USAGE, "record_id": f"r{n}", column: value} for n, (column, value) in enumerate(EDGES)]
    report = operator.load(operator.write("usage.csv", *rows))
    assert (report.table("usage").accepted, report.rejects) == (len(EDGES), None)


def test_a_kind_declared_in_settings_is_known(operator: Operator) -> None:
    path = operator.write("usage.csv", {**USAGE, "kind": "purchase"})
    assert operator.load(path).table("usage").rejected_rows == 1
    report = operator.load(path, terms=replace(operator.terms, usage_kinds=("purchase",)))
    assert report.table("usage").accepted == 1


def test_the_lake_holds_canonical_columns_with_local_day_and_hour(operator: Operator) -> None:
    operator.load(
        operator.write(
            "usage.csv",
            {**USAGE, "occurred_at": "2021-05-31 19:30:00", "direction": "out", "extra": "x"},
            {**USAGE, "record_id": "r2", "occurred_at": "2021-05-31T23:30:00+05:00"},
        )
    )
    late, early = operator.rows("usage", "record_id")
    assert late == {
        "subscriber_id": "s1",
        "occurred_at": 1622489400,
        "local_day": day_of(date(2021, 6, 1)),
        "local_hour": 0,
        "known_day": day_of(date(2021, 6, 1)),
        "sign": 1,
        "version": 1,
        "kind": "voice",
        "quantity": 60.0,
        "charge": 1.5,
        "record_id": "r1",
        "direction": "out",
        "on_net": None,
        "roaming": None,
        "discount": None,
        "category": None,
        "item": None,
    }
    assert (early["local_day"], early["local_hour"]) == (day_of(date(2021, 5, 31)), 23)
    assert {file.day for file in operator.lake.files("usage")} == {late["local_day"], early["local_day"]}
    assert all(file.rows == 1 for file in operator.lake.files("usage"))


def test_the_time_zone_is_the_subscribers_then_the_regions_then_the_default(operator: Operator) -> None:
    operator.load(
        operator.write(
            "subscribers.csv",
            {**SUBSCRIBER, "subscriber_id": "own", "timezone": "Asia/Tokyo"},
            {**SUBSCRIBER, "subscriber_id": "region", "timezone": ""},
            {**SUBSCRIBER, "subscriber_id": "default", "region": "Atlantis"},
        )
    )
    usage = [{**USAGE, "subscriber_id": name, "record_id": name} for name in ("own", "region", "default")]
    operator.load(operator.write("usage.csv", *usage), terms=replace(operator.terms, default_timezone="Europe/Paris"))
    hours = {row["subscriber_id"]: row["local_hour"] for row in operator.rows("usage")}
    assert hours == {"own": 19, "region": 15, "default": 12}


def test_events_reach_the_ledger_complete(operator: Operator) -> None:
    rows = [
        {**EVENT, "propensity": "0.25", "position": "2", "region": ""},
        {**EVENT, "event_id": "e2", "region": "Rostov", "kind": "connection"},
        {**EVENT, "event_id": "e3", "region": "Atlantis"},
    ]
    report = operator.load(operator.write("events.csv", *rows))
    assert report.table("events").accepted == 3
    first, second, third = operator.ledger.events().to_pylist()
    assert first["occurred_at"] == 1_622_541_600_000_000
    assert (first["region"], first["macro_region"]) == ("Sverdlovsk", "Urals")
    assert (first["position"], first["propensity"], first["decision_id"]) == (2, 0.25, None)
    assert first["local_day"] == day_of(date(2021, 6, 1))
    assert first["arm"] == ArmSplit().arm_of("s1")
    assert (second["region"], second["macro_region"], second["kind"]) == ("Rostov", "South", "connection")
    assert (third["region"], third["macro_region"]) == ("Atlantis", None)


def test_a_subscribers_own_macro_region_goes_before_that_of_the_settings(operator: Operator) -> None:
    operator.load(operator.write("subscribers.csv", {**SUBSCRIBER, "macro_region": "Mountains"}))
    operator.load(operator.write("events.csv", EVENT))
    assert operator.ledger.events()["macro_region"].to_pylist() == ["Mountains"]


def test_arms_equal_those_of_the_domain(operator: Operator) -> None:
    ids = [f"s-{number}-ж" for number in range(200)]
    operator.load(operator.write("subscribers.csv", *({**SUBSCRIBER, "subscriber_id": name} for name in ids)))
    arms = ArmSplit("it's salt", 0.37)
    events = [{**EVENT, "event_id": name, "subscriber_id": name} for name in ids]
    operator.load(operator.write("events.csv", *events), terms=replace(operator.terms, arms=arms))
    found = {row["subscriber_id"]: row["arm"] for row in operator.ledger.events().to_pylist()}
    assert found == {name: arms.arm_of(name) for name in ids}
    assert len(set(found.values())) == 2


def test_an_event_id_that_comes_again_is_a_duplicate_or_a_conflict(operator: Operator) -> None:
    again = operator.write("events_1.csv", EVENT, EVENT, {**EVENT, "kind": "click"})
    report = operator.load(again).table("events")
    assert (report.accepted, report.duplicates, report.rejected) == (1, 1, (RuleCount("event_id", "conflict", 1),))
    later = operator.load(operator.write("events_2.csv", EVENT, {**EVENT, "event_id": "e2"}))
    assert (later.table("events").accepted, later.table("events").duplicates) == (1, 1)
    clash = operator.load(operator.write("events_3.csv", {**EVENT, "channel": "web"}))
    (kept,) = operator.rejected(clash)
    assert (kept["rule"], kept["source_row"], kept["raw"]["channel"]) == ("conflict", "1", "web")
    assert operator.ledger.position() == 2


def test_record_ids_collapse_within_a_load_and_across_files(operator: Operator) -> None:
    first = operator.load(operator.write("usage_1.csv", USAGE, USAGE, {**USAGE, "record_id": "r2"}))
    assert (first.table("usage").accepted, first.table("usage").duplicates) == (2, 1)
    second = operator.load(operator.write("usage_2.csv", {**USAGE, "record_id": "r3"}, USAGE))
    assert (second.table("usage").accepted, second.table("usage").duplicates) == (1, 1)
    assert [row["record_id"] for row in operator.rows("usage", "record_id")] == ["r1", "r2", "r3"]


def test_a_record_is_known_again_after_its_subscriber_moved_time_zone(operator: Operator) -> None:
    evening = {**USAGE, "occurred_at": "2021-06-01T20:00:00Z"}
    operator.load(operator.write("usage_1.csv", evening))
    operator.load(operator.write("subscribers.csv", {**SUBSCRIBER, "timezone": "UTC"}))
    assert (
        operator.load(operator.write("usage_2.csv", evening, {**evening, "record_id": "r2"})).table("usage").duplicates
        == 1
    )


def test_records_without_an_id_are_all_kept(operator: Operator) -> None:
    message = {**USAGE, "kind": "sms", "record_id": ""}
    report = operator.load(operator.write("usage.csv", message, message))
    assert (report.table("usage").accepted, report.table("usage").duplicates) == (2, 0)
    assert len({row["record_id"] for row in operator.rows("usage")}) == 2


def test_loading_the_same_folder_twice_changes_nothing(operator: Operator) -> None:
    operator.write("usage/a.csv", USAGE, {**USAGE, "record_id": ""})
    operator.write("events.csv", EVENT)
    folder = operator.folder / "in"
    operator.load(folder)
    before = operator.state()
    again = operator.load(folder)
    assert operator.state() == before
    assert set(again.already_loaded) == {"subscribers.csv", "usage/a.csv", "events.csv"}
    assert again.table("offers").duplicates == 1


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize("part", [1, 3, duplicates.PART])
def test_it_is_the_same_however_many_records_are_compared_at_a_time_and_wherever_they_are_staged(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, part: int, in_file: bool
) -> None:
    monkeypatch.setattr(duplicates, "PART", part)
    monkeypatch.setitem(staging.SWOLLEN, "csv", 1e12 if in_file else 0)
    rows = [{**USAGE, "record_id": f"r{number % 7}"} for number in range(20)] + [{**USAGE, "record_id": ""}] * 2
    first = operator.load(operator.write("usage_1.csv", *rows)).table("usage")
    assert (first.accepted, first.duplicates) == (9, 13)
    second = operator.load(operator.write("usage_2.csv", *rows[3:9], {**USAGE, "record_id": "r9"})).table("usage")
    assert (second.accepted, second.duplicates) == (1, 6)
    assert [row["record_id"] for row in operator.rows("usage") if len(row["record_id"]) == 2] == [
        *(f"r{number}" for number in range(7)),
        "r9",
    ]


def test_what_does_not_fit_into_memory_changes_nothing(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    path, before = operator.write("usage.csv", USAGE), operator.state()

    def find_too_many(*_: object) -> int:
        raise duckdb.OutOfMemoryException("failed to allocate")

    monkeypatch.setattr(ingest_module, "find_duplicates", find_too_many)
    with pytest.raises(NotEnoughMemory, match="memory_limit"):
        operator.load(path)
    assert operator.state() == before


def test_one_content_under_two_names_counts_once(operator: Operator) -> None:
    operator.write("usage/a.csv", {**USAGE, "record_id": ""})
    operator.write("usage/b.csv", {**USAGE, "record_id": ""})
    report = operator.load(operator.folder / "in")
    assert report.table("usage").accepted == 1
    assert "usage/b.csv" in report.already_loaded


def test_rows_rejected_for_an_outside_reason_get_another_chance(operator: Operator) -> None:
    stranger = {**USAGE, "subscriber_id": "s2", "record_id": ""}
    path = operator.write("usage.csv", {**USAGE, "record_id": ""}, stranger, {**USAGE, "quantity": "-1"})
    first = operator.load(path)
    assert {(item.rule, item.rows) for item in first.table("usage").rejected} == {
        ("unknown subscriber", 1),
        ("below 0", 1),
    }
    operator.load(operator.write("subscribers.csv", {**SUBSCRIBER, "subscriber_id": "s2"}))
    second = operator.load(path).table("usage")
    assert (second.accepted, second.duplicates, second.rejected_rows) == (1, 1, 1)
    assert operator.load(path).already_loaded == ("usage.csv",)
    assert len(operator.rows("usage")) == 2


def test_subscribers_are_updated_by_a_later_load(operator: Operator) -> None:
    operator.load(operator.write("subscribers.csv", {**SUBSCRIBER, "tariff": "S", "pets": "2", "mood": "calm"}))
    newer = {**SUBSCRIBER, "region": "Rostov", "pets": "many"}
    report = operator.load(operator.write("subscribers.csv", newer, {**SUBSCRIBER, "subscriber_id": "s2"}))
    assert report.table("subscribers").accepted == 2
    first, second = operator.rows("subscribers", "subscriber_id")
    assert (first["region"], first["tariff"], first["pets"], first["mood"]) == ("Rostov", "S", "many", "calm")
    assert (second["subscriber_id"], second["tariff"], second["pets"]) == ("s2", None, None)
    assert len(operator.lake.files("subscribers")) == 1


def test_a_subscriber_twice_in_one_file_is_a_duplicate_and_in_two_files_an_update(operator: Operator) -> None:
    operator.write("subscribers_1.csv", {**SUBSCRIBER, "tariff": "first"}, {**SUBSCRIBER, "tariff": "second"})
    operator.write("subscribers_2.csv", {**SUBSCRIBER, "tariff": "third"})
    report = operator.load(operator.folder / "in").table("subscribers")
    assert (report.rows, report.accepted, report.duplicates) == (3, 2, 1)
    assert [row["tariff"] for row in operator.rows("subscribers")] == ["third"]


def test_attributes_keep_their_type(operator: Operator) -> None:
    rows = [
        {
            **SUBSCRIBER,
            "subscriber_id": "a",
            "score": "1.5",
            "code": "007",
            "ref": "1_2",
            "vip": "true",
            "consent_channels": "app; web",
        },
        {
            **SUBSCRIBER,
            "subscriber_id": "b",
            "score": "",
            "code": "12",
            "ref": "3_4",
            "vip": "false",
            "consent_channels": "",
        },
    ]
    operator.load(operator.write("subscribers.csv", *rows))
    a, b, _ = operator.rows("subscribers", "subscriber_id")
    assert (a["score"], a["code"], a["ref"], a["vip"]) == (1.5, "007", "1_2", 1.0)
    assert a["consent_channels"] == ["app", "web"]
    assert (b["score"], b["code"], b["vip"], b["consent_channels"]) == (None, "12", 0.0, None)


def test_parquet_with_its_own_types_is_read_alike(operator: Operator) -> None:
    table = pa.table(
        {
            "subscriber_id": ["s1", "s1", None],
            "occurred_at": pa.array([1_622_541_600_000] * 3, pa.timestamp("ms", "Asia/Tokyo")),
            "kind": pa.array(["data", "fax", "data"]).dictionary_encode(),
            "quantity": pa.array([1, 2, 3], pa.int32()),
            "charge": pa.array([0.0, 0.0, float("nan")], pa.float32()),
            "on_net": [True, None, None],
        }
    )
    path = operator.folder / "usage.parquet"
    pq.write_table(table, path)
    report = operator.load(path)
    assert report.table("usage").accepted == 1
    assert {item.rule for item in report.table("usage").rejected} == {"unknown kind", "missing value"}
    (row,) = operator.rows("usage")
    assert (row["occurred_at"], row["quantity"], row["on_net"]) == (1_622_541_600, 1.0, True)
    assert [item["source_row"] for item in operator.rejected(report)] == ["2", "3"]


def test_the_current_catalogue_is_the_last_one_loaded(operator: Operator) -> None:
    first = load_catalogue_of(operator.lake)
    assert first is not None
    operator.load(operator.write("offers.yaml", OFFER, {**OFFER, "id": "films"}))
    second = load_catalogue_of(operator.lake)
    assert second is not None
    assert [offer.id for offer in second.offers] == ["films", "music"]
    assert load_catalogue_of(operator.lake, first.version) == first
    report = operator.load(operator.write("offers.yaml", OFFER))
    assert report.catalogue == first.version == operator.lake.noted("catalogue")
    assert len(operator.lake.files("catalogue")) == 2


def test_offers_come_as_a_table_too(operator: Operator) -> None:
    path = operator.write(
        "catalogue.csv",
        {
            "id": "a",
            "name_ru": "А",
            "name_en": "A",
            "category": "data",
            "price": "10",
            "tags": "x;y",
            "gives": '{"sms_count": 5}',
        },
        {"id": "b", "name_ru": "Б", "name_en": "B", "category": "data", "price": "", "requires": "a", "hue": "red"},
    )
    report = operator.load(path)
    catalogue = load_catalogue_of(operator.lake, report.catalogue)
    assert catalogue is not None
    a, b = catalogue.offers
    assert (a.name.ru, a.price, a.tags, a.gives) == ("А", 10.0, ("x", "y"), {"sms_count": 5.0})
    assert (b.price, b.requires, b.attributes) == (0.0, frozenset({"a"}), {"hue": "red"})


@pytest.mark.parametrize("name", ["events.csv", "catalogue.csv"])
def test_a_refused_file_refuses_the_whole_load(operator: Operator, name: str) -> None:
    before = operator.state()
    operator.write("usage.csv", USAGE)
    operator.write(name, {"id": "a", "event_id": "e1"})
    with pytest.raises(InvalidInput) as caught:
        operator.load(operator.folder / "in")
    assert caught.value.file == name
    assert operator.state() == before


def test_a_ledger_that_fails_leaves_the_lake_as_it_was(operator: Operator) -> None:
    before = operator.state()
    operator.write("usage.csv", USAGE)
    operator.write("events.csv", EVENT)
    operator.ledger.down = True
    with pytest.raises(LedgerUnavailable):
        operator.load(operator.folder / "in")
    operator.ledger.down = False
    assert operator.state() == before
    report = operator.load(operator.folder / "in")
    assert (report.table("usage").accepted, report.table("events").accepted) == (1, 1)
    assert len(operator.rows("usage")) == 1


def test_a_load_cut_off_before_the_lake_commits_is_completed_by_another_run(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.write("usage.csv", USAGE)
    operator.write("events.csv", EVENT)
    with monkeypatch.context() as patch:
        patch.setattr("mia.storage.lake.Change.commit", _crash)
        with pytest.raises(KeyboardInterrupt):
            operator.load(operator.folder / "in")
    assert (operator.ledger.position(), operator.rows("usage")) == (1, [])
    report = operator.load(operator.folder / "in")
    assert (report.table("usage").accepted, report.table("events").duplicates) == (1, 1)
    assert (operator.ledger.position(), len(operator.rows("usage"))) == (1, 1)


def _crash(self: object) -> None:
    raise KeyboardInterrupt


def test_a_mapping_reads_foreign_files(operator: Operator) -> None:
    folder = operator.folder / "foreign"
    write_csv(
        folder / "people.csv",
        [
            {"id": "007", "name": "Ada", "age": "40", "town": "Kurgan"},
            {"id": "8", "name": "Bo", "age": "?", "town": "Rostov"},
        ],
        delimiter="|",
    )
    write_csv(
        folder / "calls.csv",
        [{"who": "007", "minutes": "1.2", "day": "2021-06-01"}, {"who": "8", "minutes": "0", "day": "2021-06-02"}],
    )
    mapping = operator.folder / "m.yaml"
    mapping.write_text(
        """
subscribers:
  - path: people.*
    delimiter: "|"
    types: {age: BIGINT}
    columns: {subscriber_id: id, region: town, activated_on: "'2020-01-01'", birth_year: 2021 - age}
usage:
  - path: "calls*"
    filter: minutes > 0
    columns: {subscriber_id: who, occurred_at: day, kind: "'voice'", quantity: ceil(minutes) * 60, charge: "0"}
""",
        "utf-8",
    )
    report = operator.load(folder, mapping=mapping)
    assert [(row["subscriber_id"], row["birth_year"]) for row in operator.rows("subscribers", "subscriber_id")] == [
        ("007", 1981),
        ("s1", None),
    ]
    assert "Ada" not in str(operator.rows("subscribers"))
    assert [row["quantity"] for row in operator.rows("usage")] == [120.0]
    (kept,) = operator.rejected(report)
    assert (kept["column"], kept["rule"], kept["raw"]) == ("age", "not a BIGINT", "?")
    assert operator.load(folder, mapping=mapping).tables == ()


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"),
    [
        ("kind: what", "kind: whta", "kind", "usage: bad SQL for log.csv"),
        ("kind: what", "kind: abs(what)", "kind", "usage: bad SQL for log.csv"),
        ("filter: n > 0", "filter: n", "filter", "not a condition"),
        ("filter: n > 0", "filter: m > 0", "filter", "usage: bad SQL for log.csv"),
    ],
)
def test_sql_that_does_not_fit_the_file_is_refused_with_its_column(
    operator: Operator, old: str, new: str, column: str, rule: str
) -> None:
    operator.write("log.csv", {"who": "s1", "what": "sms", "n": "1", "day": "2021-06-01"})
    text = """
usage:
  - path: log.csv
    filter: n > 0
    columns: {subscriber_id: who, kind: what, occurred_at: day, quantity: n, charge: "0"}
"""
    mapping = operator.folder / "m.yaml"
    mapping.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InvalidInput, match=rule) as caught:
        operator.load(operator.folder / "in" / "log.csv", mapping=mapping)
    assert (caught.value.file, caught.value.column) == ("m.yaml", column)
    mapping.write_text(text, "utf-8")
    assert operator.load(operator.folder / "in" / "log.csv", mapping=mapping).table("usage").accepted == 1


def test_an_expression_that_fails_on_a_row_refuses_the_file(operator: Operator) -> None:
    operator.write("log.csv", {"who": "s1", "n": "1"}, {"who": "s1", "n": "x"})
    mapping = operator.folder / "m.yaml"
    mapping.write_text(
        """
usage:
  - path: log.csv
    columns: {subscriber_id: who, kind: "'sms'", occurred_at: "'2021-06-01'", quantity: CAST(n AS INT), charge: "0"}
""",
        "utf-8",
    )
    before = operator.state()
    with pytest.raises(InvalidInput, match="Could not convert string 'x'") as caught:
        operator.load(operator.folder / "in" / "log.csv", mapping=mapping)
    assert caught.value.file == "log.csv"
    assert operator.state() == before


def test_offers_can_be_mapped(operator: Operator) -> None:
    operator.write("coupons.csv", {"upc": "7", "cat": "tea", "n": "1"}, {"upc": "8", "cat": "", "n": "0"})
    mapping = operator.folder / "m.yaml"
    mapping.write_text(
        """
offers:
  - path: coupons.csv
    filter: n > 0
    columns: {id: "'c' || upc", name_ru: "'Чай'", name_en: "'Tea'", category: cat, items: "upc || ';x'"}
""",
        "utf-8",
    )
    report = operator.load(operator.folder / "in", mapping=mapping)
    assert report.ignored == ("offers.yaml", "subscribers.csv")
    catalogue = load_catalogue_of(operator.lake)
    assert catalogue is not None
    (offer,) = catalogue.offers
    assert (offer.id, offer.name.ru, offer.items, offer.category) == ("c7", "Чай", ("7", "x"), "tea")


def test_a_ragged_catalogue_is_refused_with_its_row(operator: Operator) -> None:
    path = operator.write("catalogue.csv", {"id": "a", "name": "A", "category": "data"})
    path.write_text(path.read_text() + "b,B\n")
    with pytest.raises(InvalidInput) as caught:
        operator.load(path)
    assert (caught.value.file, caught.value.row, caught.value.rule) == ("catalogue.csv", 2, "ragged row")


def test_a_mapping_names_its_tables_itself(operator: Operator) -> None:
    with pytest.raises(InvalidInput, match="--table"):
        operator.load(operator.folder, mapping=operator.folder / "m.yaml", table="usage")


def test_progress_is_told(operator: Operator) -> None:
    told: list[tuple[str, int, int]] = []
    operator.load(operator.write("usage.csv", USAGE), progress=lambda *state: told.append(state))
    assert [(done, total) for _, done, total in told] == [(0, 2), (1, 2), (2, 2)]


DAMAGE = st.sampled_from(
    [
        {},
        {"record_id": ""},
        {"record_id": "r0"},
        {"quantity": "-1"},
        {"quantity": ""},
        {"kind": "fax"},
        {"subscriber_id": "nobody"},
        {"occurred_at": "2030-01-01"},
        {"occurred_at": "then"},
        {"charge": "1,5"},
    ]
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(DAMAGE, st.booleans()), max_size=25))
def test_every_row_is_accepted_duplicate_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[dict[str, str], bool]]
) -> None:
    operator = Operator(tmp_path_factory.mktemp("operator")).begin()
    path = operator.write("usage.csv", USAGE, *({**USAGE, "record_id": f"r{n}", **d} for n, (d, _) in enumerate(rows)))
    lines = path.read_text("utf-8").splitlines()
    torn = [line + ",one too many" if ragged else line for line, (_, ragged) in zip(lines[2:], rows, strict=True)]
    path.write_text("\n".join([*lines[:2], *torn]) + "\n", "utf-8")
    report = operator.load(path)
    usage = report.table("usage")
    assert usage.accepted + usage.duplicates + usage.rejected_rows == usage.rows == len(rows) + 1
    assert len(operator.rows("usage")) == usage.accepted
    wanted = {n + 2 for n, (damage, ragged) in enumerate(rows) if ragged or (damage and "record_id" not in damage)}
    found = {int(row["source_row"]) for row in operator.rejected(report)} if report.rejects else set()
    assert found == wanted
    before = operator.lake.files("usage")
    again = operator.load(path)
    assert again.table("usage").accepted == 0
    assert operator.lake.files("usage") == before


def test_now_is_the_clock_that_was_given(operator: Operator) -> None:
    path = operator.write("usage.csv", {**USAGE, "occurred_at": "2021-07-01T00:00:01Z"})
    assert operator.load(path).table("usage").rejected_rows == 1
    assert operator.load(path, now=NOW + 1_000_000).table("usage").accepted == 1
