import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import AS_OF, DAY, events, objects, offer

from mia.domain.event import EventKind, Response
from mia.offers.contact import ContactHistory, ContactPolicy, histories_of, history_of, no_history

OFFERS = (offer("a"), offer("b"))
POLICY = ContactPolicy(impression_cap=3, impression_window_days=2, decline_cooldown_days=5)
NOW = AS_OF * DAY
IMPRESSION, CLICK, CONNECTION, DECLINE, DISCONNECTION = (
    EventKind.IMPRESSION,
    EventKind.CLICK,
    EventKind.CONNECTION,
    EventKind.DECLINE,
    EventKind.DISCONNECTION,
)


def of(*told: tuple[EventKind, float]) -> ContactHistory:
    """History of offer `a` from (kind, days ago)."""
    responses = [Response("a", kind, NOW - round(ago * DAY)) for kind, ago in told]
    return history_of(responses, {"a": 7, "elsewhere": 9}, OFFERS, POLICY, at=NOW)


def test_nothing_is_known_of_nobody() -> None:
    history = no_history(3, OFFERS, {"b": 4})
    assert history.connected.shape == (3, 2)
    assert not history.connected.any()
    assert np.isinf(history.days_since_decline).all()
    assert history.total_connections.tolist() == [0.0, 4.0]


def test_impressions_count_within_the_window_only() -> None:
    history = of((IMPRESSION, 3.0), (IMPRESSION, 2.0), (IMPRESSION, 1.999), (CLICK, 1.5), (IMPRESSION, 0.0))
    assert history.impressions.tolist() == [[2.0, 0.0]]
    assert history.total_connections.tolist() == [7.0, 0.0]


@pytest.mark.parametrize(
    ("kinds", "connected", "connections"),
    [
        ([CONNECTION], True, 1),
        ([CONNECTION, CONNECTION], True, 1),
        ([CONNECTION, DISCONNECTION], False, 1),
        ([DISCONNECTION, CONNECTION], True, 1),
        ([CONNECTION, DISCONNECTION, DISCONNECTION, CONNECTION], True, 2),
        ([DISCONNECTION], False, 0),
    ],
)
def test_a_connection_lasts_until_the_disconnection(kinds: list[EventKind], connected: bool, connections: int) -> None:
    history = of(*((kind, 10.0 - place) for place, kind in enumerate(kinds)))
    assert (history.connected[0, 0], history.connections[0, 0]) == (connected, connections)


def test_the_latest_decline_counts() -> None:
    assert of((DECLINE, 9.0), (DECLINE, 4.0)).days_since_decline.tolist() == [[4.0, np.inf]]


def test_what_comes_later_or_was_another_offer_is_not_seen() -> None:
    history = history_of(
        [Response("a", CONNECTION, NOW + 1), Response("gone", DECLINE, NOW)], {}, OFFERS, POLICY, at=NOW
    )
    assert not history.connected.any()
    assert np.isinf(history.days_since_decline).all()


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "subscriber_id": st.sampled_from(["s0", "s1", "s9"]),
            "offer_id": st.sampled_from(["a", "b", "gone"]),
            "kind": st.sampled_from([str(kind) for kind in EventKind]),
            # Few moments, so that many events share one and their order is the order of their ids.
            "occurred_at": st.integers(-4, 1).map(lambda days: NOW + days * DAY),
        }
    ),
    max_size=25,
)


@given(ROWS)
def test_many_subscribers_are_each_one_alone(rows: list[dict[str, object]]) -> None:
    table = events(rows)
    told = table.sort_by([("occurred_at", "ascending"), ("event_id", "ascending")]).to_pylist()
    totals: dict[str, int] = {}
    for row in told:
        if row["kind"] == "connection" and row["occurred_at"] <= NOW:
            totals[row["offer_id"]] = totals.get(row["offer_id"], 0) + 1
    many = histories_of(table, objects(["s0", "s1", "silent"]), OFFERS, POLICY, at=NOW, totals=totals)
    for place, subscriber_id in enumerate(("s0", "s1", "silent")):
        own = [
            Response(row["offer_id"], EventKind(row["kind"]), row["occurred_at"])
            for row in told
            if row["subscriber_id"] == subscriber_id
        ]
        one = history_of(own, totals, OFFERS, POLICY, at=NOW)
        for name in ("connected", "connections", "impressions", "days_since_decline"):
            assert getattr(many, name)[place].tolist() == getattr(one, name)[0].tolist(), name
        assert many.total_connections.tolist() == one.total_connections.tolist()
