"""GET /v1/uptake."""

import csv
import io

import pytest

from tests.fakes.door import UPTAKE_SCHEMA, Door


def test_rows_by_month_and_group(door: Door) -> None:
    answer = door.get("/v1/uptake?baseline=2021-01&by=macro_region", key="uptake")
    body = answer.json()
    assert (body["baseline"], body["by"], len(body["rows"])) == ("2021-01", "macro_region", 42)
    assert list(body["rows"][0]) == UPTAKE_SCHEMA.names
    urals = [row for row in body["rows"] if row["group"] == "Urals"]
    assert urals[0]["index"] == 1.0
    assert urals[-1]["complete"] is False


def test_window_reaches_the_service(door: Door) -> None:
    body = door.get("/v1/uptake?by=arm&from=2021-02&to=2021-03", key="uptake").json()
    assert {row["month"] for row in body["rows"]} == {"2021-02", "2021-03"}
    assert door.uptake.asked == [("2021-01", "arm", "2021-02", "2021-03")]


def test_index_is_null_without_a_baseline(door: Door) -> None:
    rows = door.get("/v1/uptake?baseline=2019-12", key="uptake").json()["rows"]
    assert {row["index"] for row in rows} == {None}


def test_csv_carries_the_same_rows(door: Door) -> None:
    rows = door.get("/v1/uptake", key="uptake").json()["rows"]
    answer = door.get("/v1/uptake", key="uptake", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["cumulative"] for row in table] == [str(row["cumulative"]) for row in rows]
    assert list(table[0]) == UPTAKE_SCHEMA.names


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("baseline=2021-13", "baseline"), ("baseline=now", "baseline"), ("by=colour", "by"), ("from=2021", "from")],
)
def test_malformed_queries_are_422_and_name_the_parameter(door: Door, query: str, parameter: str) -> None:
    answer = door.get(f"/v1/uptake?{query}", key="uptake")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_window_that_ends_before_it_begins_is_422(door: Door) -> None:
    answer = door.get("/v1/uptake?from=2021-05&to=2021-02", key="uptake")
    assert answer.status_code == 422
    assert "from" in answer.json()["detail"]


def test_figures_are_computed_again_only_when_an_event_arrives(door: Door) -> None:
    for _ in range(3):
        door.get("/v1/uptake", key="uptake")
    assert len(door.uptake.asked) == 1
    event = {"event_id": "e1", "occurred_at": "2021-06-30T10:00:00Z", "subscriber_id": "s1", "offer_id": "music_30"}
    door.post("/v1/events", key="events", json={"events": [event | {"kind": "click", "channel": "app"}]})
    door.get("/v1/uptake", key="uptake")
    assert len(door.uptake.asked) == 2
    door.clock.now += 3_600_000_000
    door.get("/v1/uptake", key="uptake")
    assert len(door.uptake.asked) == 3
