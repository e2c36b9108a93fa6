"""The short way of well-formed requests and the framework's way of all others: nobody can tell them apart."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.door import Door, open_door

import mia.api.express
from mia.api.wire import DecisionBody

ASK = {"subscriber_id": "s1", "channel": "app"}
DEEP = b'{"subscriber_id": "s1", "channel": "app", "context": {"a": ' + b"[" * 3_000 + b"]" * 3_000 + b"}}"
BODIES = (
    orjson.dumps(ASK),
    orjson.dumps(ASK | {"limit": 2, "context": {"a": [1, {"b": None}]}, "region": "Kurgan"}),
    b'{"subscriber_id": "s1", "channel": "app", "context": {"huge": 123456789012345678901234567890}}',
    b'{"subscriber_id": "s1", "channel": "app", "context": {"a": NaN, "b": -Infinity}}',
    b'{"subscriber_id": "s1", "channel": "web", "channel": "app"}',
    orjson.dumps(ASK | {"limit": "3"}),
    orjson.dumps(ASK | {"limit": True}),
    orjson.dumps(ASK | {"limit": 3.0}),
    orjson.dumps(ASK | {"channel": "nowhere", "more": 1}),
    b"[1]",
    b"null",
    b'"text"',
    b"{",
    b"",
    b"\xff\xfe",
    b"\xef\xbb\xbf" + orjson.dumps(ASK),
    DEEP,
)
SEEN = {
    "event_id": "e1",
    "occurred_at": "2021-06-30T12:00:00Z",
    "subscriber_id": "s1",
    "offer_id": "video",
    "kind": "click",
    "channel": "app",
}
EVENTS = (
    orjson.dumps({"events": [SEEN, SEEN | {"event_id": "e2"}, {"event_id": "e3"}, SEEN]}),
    orjson.dumps({"events": [SEEN, SEEN | {"channel": "web"}]}),
    orjson.dumps({"events": []}),
    orjson.dumps({"events": SEEN}),
    orjson.dumps(SEEN),
    b"{",
)
HEADERS = (
    {"Content-Type": "application/json"},
    {"Content-Type": "application/json; charset=utf-8", "Accept-Language": "en"},
    {"Content-Type": "APPLICATION/JSON"},
    {"Content-Type": "application/problem+json"},
    {"Content-Type": "text/plain"},
    {},
)


Found = tuple[int, bytes, dict[str, str]]


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


def exchange(door: Door, body: bytes, headers: dict[str, str], key: str | None, path: str) -> Found:
    door.decisions.asked.clear()
    door.ledger._decisions.clear()
    door.ledger._by_id.clear()
    answer = door.post(path, key=key, content=body, headers=headers | {"X-Request-Id": "the-same"})
    return answer.status_code, answer.content, dict(answer.headers)


def both_ways(
    door: Door, body: bytes, headers: dict[str, str], key: str | None, path: str = "/v1/decisions"
) -> list[Found]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mia.api.express, "_read", lambda *_: None)
        usual = exchange(door, body, headers, key, path)
    return [exchange(door, body, headers, key, path), usual]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_any_body_is_answered_alike(door: Door, body: bytes) -> None:
    for headers in HEADERS:
        short, usual = both_ways(door, body, headers, "offers")
        assert short == usual


@pytest.mark.parametrize("body", EVENTS, ids=range(len(EVENTS)))
def test_any_events_are_answered_alike(door: Door, body: bytes) -> None:
    for headers in HEADERS:
        for key in ("events", "offers"):
            short, usual = both_ways(door, body, headers, key, "/v1/events")
            assert short == usual


@pytest.mark.parametrize("key", [None, "nobody", "events", "admin"])
def test_any_caller_is_answered_alike(door: Door, key: str | None) -> None:
    for body in (BODIES[0], b"{", orjson.dumps({"channel": "app"})):
        short, usual = both_ways(door, body, HEADERS[0], key)
        assert short == usual


_TEXTS = st.text(max_size=5)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)


@given(given_body=st.dictionaries(st.sampled_from([*DecisionBody.model_fields, "more"]), _JSON, max_size=4))
def test_whatever_comes_is_answered_alike(door: Door, given_body: dict[str, Any]) -> None:
    short, usual = both_ways(door, json.dumps(ASK | given_body).encode(), HEADERS[0], "offers")
    assert short == usual


def test_well_formed_requests_go_the_short_way(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    read = mia.api.express._read

    def watched(*asked: Any) -> Any:
        taken.append(read(*asked))
        return taken[-1]

    monkeypatch.setattr(mia.api.express, "_read", watched)
    door.post("/v1/decisions", key="offers", json=ASK)
    door.post("/v1/decisions", key="offers", json=ASK | {"limit": 0})
    assert taken == [DecisionBody(subscriber_id="s1", channel="app"), None]
