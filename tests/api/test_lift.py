"""GET /v1/lift."""

import csv
import io
from collections.abc import Iterator

import pytest
from tests.fakes.door import Door, open_door

from mia.api.lift_wire import LiftAnswer


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        opened.fill()
        yield opened


def test_the_answer_is_the_one_that_is_described(door: Door) -> None:
    body = door.get("/v1/lift?by=macro_region&from=2021-02&to=2021-06-15", key="uptake").json()
    assert LiftAnswer.model_validate(body).model_dump(by_alias=True) == body
    assert (body["by"], body["from"], body["to"], body["baseline"]) == (
        "macro_region",
        "2021-02-01",
        "2021-06-15",
        "2021-01-31",
    )
    groups = [group["group"] for group in body["groups"]]
    assert groups[0] is None
    assert "Urals" in groups
    counts = [sum(arm["connections"] for arm in group["arms"].values()) for group in body["groups"]]
    assert sum(counts) == sum(arm["connections"] for arm in body["total"]["arms"].values()) > 0


def test_csv_has_a_row_a_group(door: Door) -> None:
    answer = door.get("/v1/lift?by=category&aa=&baseline=", key="uptake", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="lift-category.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["group"] for row in rows] == ["total", "(unknown)", "data", "music"]
    body = door.get("/v1/lift?by=category", key="uptake").json()
    assert float(rows[0]["connections_difference"]) == pytest.approx(body["total"]["connections"]["difference"])


def test_aa_is_another_split(door: Door) -> None:
    real = door.get("/v1/lift", key="uptake").json()
    drawn = door.get("/v1/lift?aa=5", key="uptake").json()
    assert (real["aa"], drawn["aa"]) == (None, 5)
    assert real["total"]["arms"] != drawn["total"]["arms"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("by=offer", "by"),
        ("from=2021-13", "from"),
        ("aa=x", "aa"),
        ("start=2021-01", "start"),
        ("baseline=1", "baseline"),
    ],
)
def test_malformed_queries_are_422_and_name_the_parameter(door: Door, query: str, parameter: str) -> None:
    answer = door.get(f"/v1/lift?{query}", key="uptake")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_the_scope_is_uptake(door: Door) -> None:
    assert door.get("/v1/lift").status_code == 401
    assert door.get("/v1/lift", key="offers").status_code == 403


def test_an_empty_ledger_says_so() -> None:
    with open_door() as empty:
        answer = empty.get("/v1/lift", key="uptake")
    assert answer.status_code == 422
    assert "no events" in answer.json()["detail"]
