"""Events of every kind of nonsense: each answered, none a 5xx, and what was accepted is there once.

`FUZZ_CASES` is the number of requests that are made up.
"""

import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.door import Door, open_door

CASES = int(os.environ.get("FUZZ_CASES", "60"))
FRAGMENTS = (
    "'; DROP TABLE events; --",
    '" OR 1=1 --',
    "1); DELETE FROM api_keys; --",
    "{{7*7}}",
    "{% include '/etc/passwd' %}",
    "${jndi:ldap://x/a}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "%00",
    "\x00",
    "\ud83d\ude00",
    "a" * 201,
    "\u202e\u0416",
    "",
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(FRAGMENTS)
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, float("inf"), float("nan")])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
IDS = st.sampled_from(["e1", "e2", "e3"]) | st.sampled_from(FRAGMENTS)
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "event_id": IDS | SCALARS,
        "occurred_at": st.sampled_from(
            ["2021-06-30T10:00:00Z", "2021-06-30", "2021-13-40T99:00:00Z", "9999-12-31T23:59:59Z"]
        )
        | SCALARS,
        "subscriber_id": st.sampled_from(["s1", "s2"]) | SCALARS,
        "offer_id": st.sampled_from(["music_30", "data_10"]) | SCALARS,
        "kind": st.sampled_from(["impression", "click", "connection", "decline", "disconnection"]) | SCALARS,
        "channel": st.sampled_from(["app", "web"]) | SCALARS,
        "decision_id": SCALARS,
        "position": SCALARS,
        "propensity": SCALARS,
        "region": SCALARS,
        "more": JSON,
    },
)
SOUND = st.fixed_dictionaries(
    {
        "event_id": st.sampled_from(["e1", "e2", "e3", "e4"]),
        "occurred_at": st.sampled_from(["2021-06-30T10:00:00Z", "2021-06-30T15:00:00+05:00", "2021-05-01T00:00:00Z"]),
        "subscriber_id": st.sampled_from(
            ["s1", *(text for text in FRAGMENTS if text.isprintable() and 0 < len(text) < 200)]
        ),
        "offer_id": st.sampled_from(["music_30", "data_10"]),
        "kind": st.sampled_from(["impression", "connection"]),
        "channel": st.just("app"),
    }
)
BODY = st.fixed_dictionaries({"events": st.lists(EVENT | SOUND | JSON, max_size=5)}) | st.dictionaries(
    st.sampled_from(["events", "more"]), JSON, max_size=2
)


def send(door: Door, content: bytes) -> dict[str, Any] | None:
    """Post a body; what became of each event, None for a refusal, which must be a problem document."""
    answer = door.post("/v1/events", key="events", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 409, 413, 422), answer.text
    if answer.status_code == 200:
        assert answer.headers["content-type"] == "application/json"
        return dict(answer.json())
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert answer.json()["detail"]
    return dict(answer.json()) if answer.status_code == 409 else None


def test_nonsense_is_answered_and_what_was_accepted_is_there_once() -> None:
    accepted: dict[str, int] = {}
    with open_door() as door:

        @settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
        @given(BODY)
        def post(body: Any) -> None:
            found = send(door, json.dumps(body).encode())
            events = body.get("events") if isinstance(body, dict) else None
            if found is not None and isinstance(events, list):
                told = [*found["accepted"], *found["duplicate"], *(item["event_id"] for item in found["rejected"])]
                assert len(told) == len(events)
                for event_id in found["accepted"]:
                    accepted[event_id] = accepted.get(event_id, 0) + 1

        post()
        stored = door.ledger.events()["event_id"].to_pylist()
    assert sorted(stored) == sorted(accepted)
    assert set(accepted.values()) <= {1}
    assert accepted


def test_any_bytes_are_answered() -> None:
    with open_door() as door:

        @settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
        @given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
        def post(content: bytes) -> None:
            send(door, content)

        post()
