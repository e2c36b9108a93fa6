"""Every fault of every row, and whatever can be read in spite of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.domain.offer import Text
from mia.errors import InvalidInput
from mia.offers.catalogue import build_catalogue
from mia.offers.lenient import read_leniently

GOOD: dict[str, Any] = {"id": "a", "name": {"ru": "Имя", "en": "Name"}, "category": "c", "price": 5}
FAULTS: list[dict[str, Any]] = [
    {"name": {"ru": "Имя"}},
    {"name": {"en": "Name"}},
    {"name": None},
    {"name": {"ru": 5, "en": "Name"}},
    {"name": {"de": "Name"}},
    {"description": {"ru": "Слова"}},
    {"name": None, "name_ru": "Имя"},
    {"price": "much"},
    {"price": -1},
    {"eligible_if": [{"x": {"above": 1}}]},
    {"limits": {"total": 0}},
    {"channels": ["pigeon"]},
    {"valid_from": "2021-02-01", "valid_to": "2021-01-01"},
    {"id": None},
    {"category": None},
    {"requires": ["nowhere"]},
    {"excludes": ["a", "b", "c"]},
    {"discount": 3, "value": "x", "tags": {"a": 1}},
]


def read(rows: list[Any]) -> tuple[dict[str, Any], list[tuple[str, int, str | None]]]:
    offers, blemishes = read_leniently(rows, [("f.yaml", number) for number in range(1, len(rows) + 1)])
    return {offer.id: offer for offer in offers}, [
        (blemish.kind, blemish.error.row or 0, blemish.error.column) for blemish in blemishes
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from(FAULTS)), min_size=1, max_size=4))
def test_a_catalogue_is_taken_exactly_where_nothing_is_found(drawn: list[tuple[str, dict[str, Any] | None]]) -> None:
    rows = [GOOD | {"id": offer_id} | (fault or {}) for offer_id, fault in drawn]
    offers, found = read(rows)
    if not found:
        assert build_catalogue(rows, file="f.yaml").offers == tuple(offers.values())
        return
    with pytest.raises(InvalidInput) as refused:
        build_catalogue(rows, file="f.yaml")
    assert (refused.value.row, refused.value.column) in [(row, column) for _, row, column in found]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_names_its_row(fault: dict[str, Any]) -> None:
    rows = [GOOD, GOOD | {"id": "b"} | fault, GOOD | {"id": "c"}]
    offers, found = read(rows)
    assert found
    assert {row for _, row, _ in found} == {2}
    assert {"a", "c"} <= set(offers)


def test_all_faults_of_a_row_come_at_once() -> None:
    row = GOOD | {"price": "much", "discount": 3, "name": {"ru": "Имя"}, "description": {"en": "Words"}}
    offers, found = read([row])
    assert sorted(found) == [
        ("malformed", 1, "discount"),
        ("malformed", 1, "price"),
        ("translation", 1, "description.ru"),
        ("translation", 1, "name.en"),
    ]
    assert (offers["a"].name, offers["a"].description) == (Text("Имя", "Имя"), Text("Words", "Words"))
    assert (offers["a"].price, offers["a"].discount) == (0.0, 0.0)


def test_links_and_ids() -> None:
    rows = [GOOD | {"requires": ["a"], "excludes": ["z"]}, GOOD | {"price": 9}, "text"]
    offers, found = read(rows)
    assert found == [
        ("duplicate", 2, "id"),
        ("malformed", 3, None),
        ("unknown_link", 1, "requires"),
        ("unknown_link", 1, "excludes"),
    ]
    assert offers["a"].price == 5
