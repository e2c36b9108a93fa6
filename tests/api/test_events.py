"""POST /v1/events."""

from typing import Any

import pytest
from tests.fakes.door import NOON_JULY_FIRST, Door

from mia.timeline import day_of, timestamp_of


def event(event_id: str = "e1", **changes: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "occurred_at": "2021-06-30T23:30:00+05:00",
        "subscriber_id": "s1",
        "offer_id": "music_30",
        "kind": "impression",
        "channel": "app",
    } | changes


def send(door: Door, *events: Any) -> dict[str, Any]:
    answer = door.post("/v1/events", key="events", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_events_are_committed_before_the_answer(door: Door) -> None:
    assert send(door, event("e1"), event("e2", kind="connection")) == {
        "accepted": ["e1", "e2"],
        "duplicate": [],
        "rejected": [],
    }
    stored = door.ledger.events().to_pylist()
    assert [row["event_id"] for row in stored] == ["e1", "e2"]
    assert (stored[0]["region"], stored[0]["macro_region"], stored[0]["arm"]) == ("Kurgan", "Urals", "mia")


def test_an_id_counts_once(door: Door) -> None:
    send(door, event("e1"))
    again = send(door, event("e1"), event("e2"), event("e2"))
    assert (again["accepted"], again["duplicate"]) == (["e2"], ["e1", "e2"])
    assert door.ledger.position() == 2


def test_same_moment_in_another_offset_is_the_same_event(door: Door) -> None:
    send(door, event(occurred_at="2021-06-30T23:30:00+05:00"))
    assert send(door, event(occurred_at="2021-06-30T18:30:00"))["duplicate"] == ["e1"]


def test_conflict_names_the_event_and_changes_nothing(door: Door) -> None:
    send(door, event("e1"))
    for others in ([], [event("e2")]):
        answer = door.post("/v1/events", key="events", json={"events": [event("e1", kind="click"), *others]})
        # A batch of which something stands is answered one by one; a request of which nothing can stand is refused.
        assert answer.status_code == (200 if others else 409)
        assert answer.json()["rejected"][0]["event_id"] == "e1"
        assert answer.json()["rejected"][0]["reason"].startswith("conflict: ")
        assert answer.json()["accepted"] == [one["event_id"] for one in others]
        kind = "application/json" if others else "application/problem+json"
        assert answer.headers["content-type"] == kind
    assert door.ledger.events()["kind"].to_pylist() == ["impression", "impression"]


def test_a_bad_event_does_not_sink_its_neighbours(door: Door) -> None:
    answer = send(door, event("e1"), event("e2", kind="sneeze"), 7, {"event_id": 5}, event("e3"))
    assert answer["accepted"] == ["e1", "e3"]
    assert [item["event_id"] for item in answer["rejected"]] == ["e2", None, None]
    assert answer["rejected"][0]["reason"].startswith("kind: ")


def test_only_bad_events_are_answered_without_a_commit(door: Door) -> None:
    door.ledger.down = True
    assert send(door, event(offer_id="nope"))["rejected"] == [
        {"event_id": "e1", "reason": "no offer 'nope' in the catalogue"}
    ]


def test_loop_from_decision_to_connection(door: Door) -> None:
    ask = {"subscriber_id": "s1", "channel": "app"}
    decision = door.post("/v1/decisions", key="offers", json=ask).json()
    shown = event("e1", decision_id=decision["decision_id"], offer_id="data_10", occurred_at="2021-07-01T12:00:00Z")
    assert send(door, shown)["accepted"] == ["e1"]
    stored = door.ledger.events().to_pylist()[0]
    assert (stored["position"], stored["propensity"]) == (2, 1 / 3)
    assert stored["local_day"] == day_of(timestamp_of(NOON_JULY_FIRST).date())


@pytest.mark.parametrize("body", [{}, {"events": []}, {"events": {}}, {"events": [1], "more": 1}, [], {"events": "x"}])
def test_bodies_that_are_no_batch_are_422(door: Door, body: Any) -> None:
    answer = door.post("/v1/events", key="events", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_batches_end_at_a_thousand(door: Door) -> None:
    batch = [event(f"e{number}") for number in range(1_001)]
    assert door.post("/v1/events", key="events", json={"events": batch}).status_code == 422
    assert len(send(door, *batch[:1_000])["accepted"]) == 1_000


def test_ledger_that_is_down_asks_to_come_again(door: Door) -> None:
    door.ledger.down = True
    answer = door.post("/v1/events", key="events", json={"events": [event()]})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "urn:mia:problem:ledger-unavailable"
    door.ledger.down = False
    assert send(door, event())["accepted"] == ["e1"]


def test_metrics_count_by_kind_and_outcome(door: Door) -> None:
    send(door, event("e1"), event("e1"), event("e2", kind="click"), event("e3", kind="sneeze"))
    text = door.get("/metrics").text
    assert 'mia_events_total{kind="impression",outcome="accepted"} 1.0' in text
    assert 'mia_events_total{kind="impression",outcome="duplicate"} 1.0' in text
    assert 'mia_events_total{kind="click",outcome="accepted"} 1.0' in text
    assert 'mia_events_total{kind="unread",outcome="rejected"} 1.0' in text


def test_more_than_may_wait_to_be_completed_are_turned_away(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia.api.recording.CAPACITY", 0)
    answer = door.post("/v1/events", key="events", json={"events": [event()]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert door.ledger.position() == 0
