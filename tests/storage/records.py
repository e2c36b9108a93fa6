"""Events and decisions for the tests of the ledger."""

from dataclasses import asdict
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from mia.domain.decision import (
    Decision,
    DecisionRequest,
    Fallback,
    RankedOffer,
    Reason,
    Rule,
    Stage,
    Versions,
)
from mia.domain.event import Channel, Event, EventKind
from mia.storage.ledger.events import EVENT_SCHEMA


def an_event(event_id: str = "e1", **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "occurred_at": 1_611_000_000_000_000,
        "subscriber_id": "s1",
        "offer_id": "music",
        "kind": EventKind.IMPRESSION,
        "channel": "app",
        "local_day": 18_645,
        "arm": "mia",
        "region": "Kurgan",
        "macro_region": "Urals",
        "decision_id": "d1",
        "position": 1,
        "propensity": 0.1 + 0.2,
    }
    return Event(event_id, **(fields | changes))


def a_table(events: list[Event]) -> pa.Table:
    return pa.Table.from_pylist([asdict(event) for event in events], schema=EVENT_SCHEMA)


def a_decision(decision_id: str = "d1", request_id: str | None = None, **changes: Any) -> Decision:
    request = DecisionRequest(
        subscriber_id=changes.pop("subscriber_id", "s1"),
        channel=changes.pop("channel", "app"),
        at=1_611_000_000_000_001,
        placement=changes.pop("placement", None),
        limit=changes.pop("limit", 3),
        context=changes.pop("context", {"screen": "home", "depth": 2, "ratio": 0.3}),
        request_id=request_id,
    )
    fields: dict[str, Any] = {
        "arm": "mia",
        "versions": Versions("7", "c" * 12, "profiles-18645", "p1"),
        "seed": 2**64 - 1,
        "ledger_position": 12,
        "explored": True,
        "fallback": None,
        "offers": (
            RankedOffer("music", 1, 0.1 + 0.2, 1e-17, 1 / 3, (Reason("category", "Вы слушаете музыку"),)),
            RankedOffer("video", 2, 5e-324, 1.7976931348623157e308, 1.0),
        ),
        "stages": (Stage("eligible", 40, 12), Stage("ranked", 12, 2)),
        "dropped": {"roaming": Rule.REGION, "films": Rule.RANK},
    }
    return Decision(decision_id, request, **(fields | changes))


_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
_INT64 = st.integers(-(2**63), 2**63 - 1)

# Few ids and few contents, so that duplicates and conflicts are common.
EVENTS = st.builds(
    an_event,
    event_id=st.sampled_from(["a", "b", "c", "d", "Ё", "' --"]),
    occurred_at=st.sampled_from([0, 5, 2**53 + 1]),
    subscriber_id=st.sampled_from(["s1", "s2", ""]),
    offer_id=st.sampled_from(["music", "video"]),
    kind=st.sampled_from(EventKind),
    channel=st.sampled_from(["app", Channel.WEB]),
    local_day=st.integers(18_600, 18_700),
    region=st.none() | _TEXTS,
    decision_id=st.none() | st.just("d1"),
    position=st.none() | st.integers(1, 3),
    propensity=st.none() | st.sampled_from([0.1, 1 / 3, 0.30000000000000004]),
)

ANY_EVENTS = st.builds(
    an_event,
    event_id=_TEXTS,
    occurred_at=_INT64,
    subscriber_id=_TEXTS,
    offer_id=_TEXTS,
    kind=st.sampled_from(EventKind),
    channel=_TEXTS,
    decision_id=st.none() | _TEXTS,
    position=st.none() | st.integers(1, 100),
    propensity=st.none() | st.floats(0, 1),
)

DECISIONS = st.builds(
    a_decision,
    decision_id=_TEXTS.filter(bool),
    subscriber_id=_TEXTS,
    placement=st.none() | _TEXTS,
    limit=st.integers(1, 50),
    seed=st.integers(0, 2**64 - 1),
    ledger_position=st.integers(0, 2**63 - 1),
    explored=st.booleans(),
    fallback=st.none() | st.sampled_from(Fallback),
    context=st.dictionaries(
        _TEXTS,
        st.recursive(
            st.none() | st.booleans() | _INT64 | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
            max_leaves=5,
        ),
        max_size=3,
    ),
    offers=st.lists(
        st.builds(
            RankedOffer,
            _TEXTS,
            st.integers(1, 50),
            st.floats(0, 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.floats(0, 1),
            st.lists(st.builds(Reason, _TEXTS, _TEXTS), max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)
