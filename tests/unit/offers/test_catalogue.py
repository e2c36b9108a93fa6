"""A catalogue is validated field by field and comes back the same from its rows."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.domain.offer import Condition, Limits, Op, Text
from mia.errors import InvalidInput, UnknownOffer
from mia.offers.catalogue import build_catalogue, catalogue_rows, load_catalogue

PLAIN = {"id": "a", "name": "A", "category": "data"}
FULL = {
    "id": "full",
    "name": {"ru": "Полное", "en": "Full"},
    "description": {"ru": "Всё", "en": "Everything"},
    "category": "roaming",
    "kind": "add_on",
    "price": 100,
    "value": -3.5,
    "discount": 0.25,
    "gives": {"data_mb": 1024, "voice_minutes": 10},
    "items": ["i1", "i2"],
    "tags": ["travel"],
    "valid_from": date(2021, 1, 1),
    "valid_to": "2021-01-01",
    "channels": ["app", "web"],
    "regions": ["Kurgan"],
    "eligible_if": [
        {"data_mb_30d": {"ge": 10, "lt": 20}},
        {"tariff": {"in": ["S", "M"]}},
        {"age": {"between": [18, 65]}},
        {"birth_year": {"is_null": False}},
    ],
    "requires": ["a"],
    "excludes": ["b"],
    "limits": {"per_subscriber": 2, "total": 1000},
    "priority": 1.5,
    "partner": "zoo",
    "stars": 4,
    "new": True,
    "themes": ["sea", "sun"],
}


def test_every_field_of_an_offer_is_read() -> None:
    catalogue = build_catalogue([FULL, PLAIN, {**PLAIN, "id": "b"}], file="c.yaml")
    assert [offer.id for offer in catalogue.offers] == ["a", "b", "full"]
    offer = catalogue.offer("full")
    assert (offer.name, offer.description) == (Text("Полное", "Full"), Text("Всё", "Everything"))
    assert (offer.category, offer.kind, offer.price, offer.value, offer.discount) == (
        "roaming",
        "add_on",
        100,
        -3.5,
        0.25,
    )
    assert (offer.gives, offer.items, offer.tags) == (
        {"data_mb": 1024.0, "voice_minutes": 10.0},
        ("i1", "i2"),
        ("travel",),
    )
    assert offer.valid_from == offer.valid_to == date(2021, 1, 1)
    assert (offer.channels, offer.regions) == ({"app", "web"}, {"Kurgan"})
    assert offer.eligible_if == (
        Condition("data_mb_30d", Op.GE, 10),
        Condition("data_mb_30d", Op.LT, 20),
        Condition("tariff", Op.IN, ("S", "M")),
        Condition("age", Op.BETWEEN, (18, 65)),
        Condition("birth_year", Op.IS_NULL, False),
    )
    assert (offer.requires, offer.excludes, offer.limits) == ({"a"}, {"b"}, Limits(2, 1000))
    assert (offer.priority, offer.attributes) == (
        1.5,
        {"partner": "zoo", "stars": 4.0, "new": 1.0, "themes": "sea;sun"},
    )


def test_a_plain_offer_gets_the_defaults() -> None:
    offer = build_catalogue([PLAIN], file="c").offer("a")
    assert (offer.name, offer.description) == (Text("A", "A"), Text("", ""))
    assert (offer.price, offer.value, offer.priority, offer.limits) == (0.0, 1.0, 1.0, Limits())
    assert (offer.channels, offer.eligible_if, offer.attributes) == (frozenset(), (), {})


def test_table_cells_read_like_yaml() -> None:
    cells = {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        for name, value in FULL.items()
        if name != "themes"
    }
    cells |= {"items": "i1; i2", "tags": "travel", "valid_from": datetime(2021, 1, 1), "themes": "sea;sun"}  # noqa: DTZ001
    others = [{**PLAIN, "price": None, "tags": float("nan")}, {**PLAIN, "id": "b"}]
    assert build_catalogue([cells, *others], file="t") == build_catalogue([FULL, PLAIN, {**PLAIN, "id": "b"}], file="c")


def test_both_languages_can_come_as_columns() -> None:
    row = {"id": "a", "category": "data", "name_ru": "Имя", "name_en": "Name"}
    assert build_catalogue([row], file="c").offer("a").name == Text("Имя", "Name")


@pytest.mark.parametrize(
    ("field", "value", "column", "rule"),
    [
        ("id", None, "id", "missing value"),
        ("id", ["x"], "id", "not a text"),
        ("category", "", "category", "missing value"),
        ("name", None, "name", "missing value"),
        ("name", {"ru": "Имя"}, "name.en", "missing value"),
        ("name", {"ru": "Имя", "en": 5}, "name.en", "not a text"),
        ("name", {"ru": "a", "en": "b", "de": "c"}, "name.de", "unknown language"),
        ("description", {"en": "b"}, "description.ru", "missing value"),
        ("price", -1, "price", "below 0"),
        ("price", "dear", "price", "not a number"),
        ("price", float("inf"), "price", "not finite"),
        ("discount", 1.1, "discount", "above 1"),
        ("value", "much", "value", "not a number"),
        ("priority", -0.5, "priority", "below 0"),
        ("gives", {"data_mb": -5}, "gives.data_mb", "below 0"),
        ("gives", ["data_mb"], "gives", "not a mapping"),
        ("gives", "data_mb", "gives", "not JSON"),
        ("items", [{"a": 1}], "items", "not a list of texts"),
        ("tags", [None], "tags", "not a list of texts"),
        ("valid_from", "soon", "valid_from", "not a date"),
        ("valid_from", 2021, "valid_from", "not a date"),
        ("valid_to", datetime(2021, 1, 1, 12), "valid_to", "not a date"),  # noqa: DTZ001
        ("channels", ["pigeon"], "channels", "unknown channel 'pigeon'"),
        ("limits", {"total": 0}, "limits.total", "below 1"),
        ("limits", {"total": 1.5}, "limits.total", "not an integer"),
        ("limits", {"daily": 1}, "limits.daily", "unknown limit"),
        ("eligible_if", {"age": {"ge": 1}}, "eligible_if", "not a list of conditions"),
        ("eligible_if", ["age > 1"], "eligible_if", "a condition reads"),
        ("eligible_if", [{"age": 18}], "eligible_if.age", "a condition reads"),
        ("eligible_if", [{"age": {"over": 18}}], "eligible_if.age.over", "unknown op"),
        ("eligible_if", [{"age": {"ge": None}}], "eligible_if.age.ge", "needs a number"),
        ("eligible_if", [{"age": {"in": 18}}], "eligible_if.age.in", "needs a list"),
        ("eligible_if", [{"age": {"between": [1]}}], "eligible_if.age.between", "needs a lower and an upper"),
        ("eligible_if", [{"age": {"between": [1, "b"]}}], "eligible_if.age.between", "needs a lower and an upper"),
        ("eligible_if", [{"age": {"between": [9, 1]}}], "eligible_if.age.between", "the lower value lies above"),
        ("eligible_if", [{"age": {"is_null": "no"}}], "eligible_if.age.is_null", "needs true or false"),
        ("requires", ["nothing"], "requires", "names an unknown offer 'nothing'"),
        ("excludes", ["b"], "excludes", "names the offer itself"),
        ("shape", {"deep": 1}, "shape", "an attribute is a number or a text"),
        ("id", "a", "id", "comes twice"),
    ],
)
def test_a_broken_field_is_refused_by_name(field: str, value: Any, column: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        build_catalogue([PLAIN, {**PLAIN, "id": "b", field: value}], file="c.yaml")
    assert (caught.value.file, caught.value.row, caught.value.column) == ("c.yaml", 2, column)
    assert rule in caught.value.rule


def test_an_offer_cannot_end_before_it_begins() -> None:
    with pytest.raises(InvalidInput, match="row 1, column valid_to: lies before valid_from"):
        build_catalogue([{**PLAIN, "valid_from": "2021-02-01", "valid_to": "2021-01-31"}], file="c")


def test_rows_of_several_files_are_named_by_their_own() -> None:
    with pytest.raises(InvalidInput) as caught:
        build_catalogue([PLAIN, PLAIN], file="x, y", places=[("x", 1), ("y", 1)])
    assert (caught.value.file, caught.value.row) == ("y", 1)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "empty"),
        (b"offers: 5", "needs a list"),
        (b"- id: a", "needs a list"),
        (b"offers: [}", "not YAML"),
        (b"offers: []", "at least one offer"),
        (b"offers: [5]", "mapping of fields"),
        ("offers: [{id: а}]".encode("cp1251"), "UTF-8"),
    ],
)
def test_a_damaged_yaml_file_is_refused(tmp_path: Path, text: bytes, rule: str) -> None:
    path = tmp_path / "offers.yaml"
    path.write_bytes(text)
    with pytest.raises(InvalidInput, match=rule) as caught:
        load_catalogue(path)
    assert caught.value.file == "offers.yaml"


def test_an_unknown_offer_is_named() -> None:
    catalogue = build_catalogue([PLAIN], file="c")
    assert "a" in catalogue
    assert "z" not in catalogue
    with pytest.raises(UnknownOffer) as caught:
        catalogue.offer("z")
    assert caught.value.offer_id == "z"


names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=6)
numbers = st.floats(0, 1e6, allow_nan=False)
offers = st.lists(
    st.fixed_dictionaries(
        {"id": names, "name": st.fixed_dictionaries({"ru": names, "en": names}), "category": names},
        optional={
            "price": numbers,
            "gives": st.dictionaries(names, numbers, max_size=3),
            "tags": st.lists(names, max_size=3),
            "valid_from": st.dates(),
            "channels": st.lists(st.sampled_from(["app", "web", "vk"]), unique=True),
            "eligible_if": st.lists(
                st.tuples(names, st.sampled_from(["eq", "ge"]), numbers).map(lambda c: {c[0]: {c[1]: c[2]}}), max_size=3
            ),
            "limits": st.fixed_dictionaries({}, optional={"total": st.integers(1, 9)}),
            "zz_attribute": st.one_of(names, numbers),
        },
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row["id"],
)


@given(offers)
def test_rows_make_the_same_catalogue_again_in_any_order(rows: list[dict[str, Any]]) -> None:
    catalogue = build_catalogue(rows, file="c")
    again = build_catalogue(json.loads(json.dumps(catalogue_rows(catalogue)[::-1])), file="d")
    assert again == catalogue


@given(offers)
def test_another_content_is_another_version(rows: list[dict[str, Any]]) -> None:
    version = build_catalogue(rows, file="c").version
    changed = [{**rows[0], "price": rows[0].get("price", 0.0) + 1}, *rows[1:]]
    assert build_catalogue(changed, file="c").version != version
