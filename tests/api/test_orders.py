"""Product orders close the loop: recommendation, order with the decision id as externalId, connection, uptake."""

from typing import Any

import pytest
from tests.fakes.door import Door
from tests.fakes.tmf import faults

from mia.api.tmf.paths import ORDERS, QUERIES

QUERY = {"channel": [{"id": "app"}], "relatedParty": {"id": "s1", "@referredType": "Customer"}}
AT = "2021-07-01T14:00:00+03:00"


def order(decision_id: str, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    lines = items or (line(),)
    body = {"id": "o1", "externalId": decision_id, "state": "completed", "productOrderItem": list(lines), **changes}
    return {
        "eventId": "n1",
        "eventTime": AT,
        "eventType": "ProductOrderStateChangeEvent",
        "event": {"productOrder": body},
    }


def line(number: str = "1", offer_id: str = "data_10", action: str = "add", **changes: Any) -> dict[str, Any]:
    return {"id": number, "action": action, "productOffering": {"id": offer_id}, **changes}


def tell(door: Door, body: dict[str, Any]) -> Any:
    return door.post(ORDERS, key="events", json=body)


def recorded(door: Door) -> list[tuple[str, str]]:
    rows = door.ledger.events().to_pylist()
    return [(row["offer_id"], row["kind"]) for row in rows]


def test_an_order_with_the_decision_id_connects_the_offer_and_counts(door: Door) -> None:
    query = door.post(QUERIES, key="offers", json=QUERY).json()
    item = query["recommendationItem"][1]
    answer = tell(door, order(item["decisionId"], line(offer_id=item["productOffering"]["id"])))
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "n1",
        "callback": f"http://mia{ORDERS}",
        "accepted": ["o1/1/connection"],
        "duplicate": [],
        "rejected": [],
    }
    row = door.ledger.events().to_pylist()[0]
    assert (row["subscriber_id"], row["offer_id"], row["kind"], row["channel"]) == (
        "s1",
        item["id"],
        "connection",
        "app",
    )
    assert (row["decision_id"], row["position"], row["propensity"]) == (query["id"], 2, item["propensity"])
    uptake = door.get("/v1/uptake?baseline=2021-07&by=offer", key="uptake").json()["rows"]
    assert [(row["month"], row["group"], row["connections"]) for row in uptake] == [("2021-07", item["id"], 1)]


@pytest.mark.parametrize("name", ["decision_id", "external_id", "externalId"])
def test_a_plain_event_may_carry_the_id_by_either_name(door: Door, name: str) -> None:
    query = door.post(QUERIES, key="offers", json=QUERY).json()
    event = {"event_id": "e1", "occurred_at": AT, "subscriber_id": "s1", "offer_id": "data_10", "kind": "connection"}
    answer = door.post("/v1/events", key="events", json={"events": [event | {"channel": "app", name: query["id"]}]})
    assert answer.json()["accepted"] == ["e1"]
    assert door.ledger.events().to_pylist()[0]["decision_id"] == query["id"]


def test_both_names_at_once_are_refused(door: Door) -> None:
    query = door.post(QUERIES, key="offers", json=QUERY).json()
    event = {"event_id": "e1", "occurred_at": AT, "subscriber_id": "s1", "offer_id": "data_10", "kind": "connection"}
    both = event | {"channel": "app", "decision_id": query["id"], "external_id": "d9"}
    answer = door.post("/v1/events", key="events", json={"events": [both]}).json()
    assert answer["accepted"] == []
    assert "external_id" in answer["rejected"][0]["reason"]


def test_an_order_told_again_counts_once(door: Door) -> None:
    query = door.post(QUERIES, key="offers", json=QUERY).json()
    done = {"completionDate": "2021-07-01T10:00:00Z"}
    assert tell(door, order(query["id"], **done)).json()["accepted"] == ["o1/1/connection"]
    again = order(query["id"], **done) | {"eventId": "n2", "eventTime": "2021-07-01T14:30:00+03:00"}
    assert tell(door, again).json()["duplicate"] == ["o1/1/connection"]
    assert recorded(door) == [("data_10", "connection")]


def test_only_completed_items_that_add_or_delete_count(door: Door) -> None:
    query = door.post(QUERIES, key="offers", json=QUERY).json()
    mixed = order(
        query["id"],
        line("1", "music_30", state="completed"),
        line("2", "data_10", state="inProgress"),
        line("3", "roaming_7", "modify"),
        {"id": "4", "action": "add"},
        line("5", "music_30", "delete", state="completed"),
        line("6", "phone", state="completed"),
        state="partial",
    )
    answer = tell(door, mixed).json()
    assert answer["accepted"] == ["o1/1/connection", "o1/5/disconnection"]
    assert [refused["event_id"] for refused in answer["rejected"]] == ["o1/6/connection"]
    assert recorded(door) == [("music_30", "connection"), ("music_30", "disconnection")]
    assert tell(door, order(query["id"], state="acknowledged")).json()["accepted"] == []


def test_an_order_of_no_decision_is_a_404(door: Door) -> None:
    answer = tell(door, order("d404"))
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-decision")
    assert faults("Error", answer.json()) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"eventId": "n1", "eventTime": AT, "event": {}}, order("d1", productOrderItem=[]), order("d1", externalId=7)],
)
def test_what_is_no_order_event_is_refused(door: Door, body: dict[str, Any]) -> None:
    answer = tell(door, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")
