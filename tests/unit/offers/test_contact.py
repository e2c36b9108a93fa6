import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import AS_OF, DAY, events, objects, offer

from mia.domain.event import EventKind, Response
from mia.domain.policy import Cap, CapScope, ContactPolicy, Unanswered
from mia.offers.contact import ContactBook, ContactHistory, histories_of, history_of, no_history

OFFERS = (offer("a"), offer("b"), offer("v", "voice"))
POLICY = ContactPolicy(
    (Cap(CapScope.OFFER, 3, 2), Cap(CapScope.CATEGORY, 5, 3), Cap(CapScope.CHANNEL, 5, 1), Cap(CapScope.ALL, 9, 2)),
    after_decline_days=5,
    unanswered=Unanswered(3, 4, 2),
)
BOOK = ContactBook(OFFERS, POLICY)
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
    return history_of(responses, {"a": 7, "elsewhere": 9}, BOOK, at=NOW)


def test_nothing_is_known_of_nobody() -> None:
    history = no_history(3, BOOK, {"b": 4, "gone": 1})
    assert history.connected.shape == (3, 3)
    assert [counts.shape for counts in history.shown] == [(3, 3), (3, 2), (3, 7), (3, 1)]
    assert not history.connected.any()
    assert np.isinf(history.days_since_decline).all()
    assert history.total_connections.tolist() == [0.0, 4.0, 0.0]


def test_impressions_count_within_the_window_only() -> None:
    history = of((IMPRESSION, 3.0), (IMPRESSION, 2.0), (IMPRESSION, 1.999), (CLICK, 1.5), (IMPRESSION, 0.0))
    assert history.shown[0].tolist() == [[2.0, 0.0, 0.0]]
    assert history.total_connections.tolist() == [7.0, 0.0, 0.0]


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
    assert of((DECLINE, 9.0), (DECLINE, 4.0)).days_since_decline.tolist() == [[4.0, np.inf, np.inf]]


def test_what_comes_later_or_was_another_offer_is_not_seen() -> None:
    history = history_of([Response("a", CONNECTION, NOW + 1), Response("gone", DECLINE, NOW)], {}, BOOK, at=NOW)
    assert not history.connected.any()
    assert np.isinf(history.days_since_decline).all()


def shown(offer_id: str, channel: str | None, ago: float) -> Response:
    return Response(offer_id, IMPRESSION, NOW - round(ago * DAY), channel)


def test_impressions_are_counted_by_what_each_cap_asks_for() -> None:
    responses = [
        shown("gone", "web", 1.5),
        shown("v", "app", 1.2),
        shown("a", "app", 0.9),
        shown("b", "web", 0.5),
        shown("b", None, 0.2),
    ]
    offers, categories, channels, everything = history_of(responses, {}, BOOK, at=NOW).shown
    assert offers.tolist() == [[1.0, 2.0, 1.0]]
    assert categories.tolist() == [[3.0, 1.0]]
    assert channels.tolist() == [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
    assert everything.tolist() == [[5.0]]


def test_the_latest_connection_counts() -> None:
    history = of((CONNECTION, 9.0), (DISCONNECTION, 8.0), (CONNECTION, 3.0), (DISCONNECTION, 1.0))
    assert history.days_since_connection.tolist() == [[3.0, np.inf, np.inf]]


@pytest.mark.parametrize(
    ("told", "unanswered", "latest"),
    [
        ([(IMPRESSION, 3.5), (IMPRESSION, 1.0)], 2, 1.0),
        ([(IMPRESSION, 4.0), (IMPRESSION, 1.0)], 1, 1.0),
        ([(IMPRESSION, 3.0), (CLICK, 2.0), (IMPRESSION, 1.0)], 1, 1.0),
        ([(IMPRESSION, 3.0), (DECLINE, 2.0)], 0, np.inf),
        ([(IMPRESSION, 3.0), (CONNECTION, 3.0)], 0, np.inf),
        ([(IMPRESSION, 3.0), (DISCONNECTION, 2.0)], 1, 3.0),
    ],
)
def test_unanswered_impressions_are_those_since_the_last_answer(
    told: list[tuple[EventKind, float]], unanswered: int, latest: float
) -> None:
    history = of(*told)
    assert (history.unanswered[0, 0], history.days_since_unanswered[0, 0]) == (unanswered, latest)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "subscriber_id": st.sampled_from(["s0", "s1", "s9"]),
            "offer_id": st.sampled_from(["a", "b", "v", "gone"]),
            "channel": st.sampled_from(["app", "vk"]),
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
    many = histories_of(table, objects(["s0", "s1", "silent"]), BOOK, at=NOW, totals=totals)
    for place, subscriber_id in enumerate(("s0", "s1", "silent")):
        own = [
            Response(row["offer_id"], EventKind(row["kind"]), row["occurred_at"], row["channel"])
            for row in told
            if row["subscriber_id"] == subscriber_id
        ]
        one = history_of(own, totals, BOOK, at=NOW)
        for name in ("connected", "connections", *(f"days_since_{what}" for what in ("decline", "connection"))):
            assert getattr(many, name)[place].tolist() == getattr(one, name)[0].tolist(), name
        for name in ("unanswered", "days_since_unanswered"):
            assert getattr(many, name)[place].tolist() == getattr(one, name)[0].tolist(), name
        for together, alone in zip(many.shown, one.shown, strict=True):
            assert together[place].tolist() == alone[0].tolist()
        assert many.total_connections.tolist() == one.total_connections.tolist()
