import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import AS_OF, DAY, events

from mia.errors import NotEnoughData
from mia.ranking.training_set import build_impressions

START = AS_OF * DAY
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "subscriber_id": st.sampled_from(["s0", "s1"]),
            "offer_id": st.sampled_from(["a", "b"]),
            "kind": st.sampled_from(["impression", "impression", "connection", "click"]),
            "occurred_at": st.integers(0, 12).map(lambda days: START + days * DAY),
        }
    ),
    min_size=1,
    max_size=25,
)


def labels_by_hand(rows, window, until):
    """Each connection goes to the latest impression of its pair at or before it, if that is inside the window."""
    known = [row for row in rows if row["occurred_at"] < until]
    shown = [row for row in known if row["kind"] == "impression"]
    answered = set()
    for connection in (row for row in known if row["kind"] == "connection"):
        before = [
            impression
            for impression in shown
            if (impression["subscriber_id"], impression["offer_id"])
            == (connection["subscriber_id"], connection["offer_id"])
            and impression["occurred_at"] <= connection["occurred_at"]
        ]
        if before:
            latest = max(before, key=lambda impression: impression["occurred_at"])
            if connection["occurred_at"] - latest["occurred_at"] <= window:
                answered.add((latest["subscriber_id"], latest["offer_id"], latest["occurred_at"]))
    matured = [impression for impression in shown if impression["occurred_at"] + window < until]
    keys = [(row["subscriber_id"], row["offer_id"], row["occurred_at"]) for row in matured]
    return {key: float(key in answered) for key in keys}, len(keys)


@given(rows=ROWS, days=st.integers(1, 5), end=st.integers(0, 14))
def test_labels_are_those_found_by_hand(rows, days, end):
    until = START + end * DAY
    expected, count = labels_by_hand(rows, days * DAY, until)
    if not expected:
        with pytest.raises(NotEnoughData):
            build_impressions(events(rows), attribution_days=days, until=until)
        return
    found = build_impressions(events(rows), attribution_days=days, until=until)
    assert len(found) == count
    for key, label in expected.items():
        own = [
            found.labels[row]
            for row in range(len(found))
            if (found.subscriber_ids[row], found.offer_ids[row], found.occurred_at[row]) == key
        ]
        # Of impressions of one pair at one moment only one gets the label.
        assert sum(own) == label
    assert (np.diff(found.occurred_at) >= 0).all()


def test_an_impression_matures_when_no_answer_can_come_any_more():
    rows = [{"local_day": AS_OF}, {"local_day": AS_OF + 3, "kind": "connection"}]
    at_the_end = AS_OF * DAY + DAY // 2 + 3 * DAY
    with pytest.raises(NotEnoughData):
        build_impressions(events(rows), attribution_days=3, until=at_the_end)
    found = build_impressions(events(rows), attribution_days=3, until=at_the_end + 1)
    assert found.labels.tolist() == [1.0]


def test_an_immature_impression_still_takes_its_connection():
    rows = [
        {"local_day": AS_OF},
        {"local_day": AS_OF + 2},
        {"local_day": AS_OF + 3, "kind": "connection"},
    ]
    found = build_impressions(events(rows), attribution_days=4, until=(AS_OF + 5) * DAY)
    assert found.local_day.tolist() == [AS_OF]
    assert found.labels.tolist() == [0.0]


def test_what_an_impression_carries():
    rows = [
        {"offer_id": "b", "position": 2, "propensity": 0.25, "channel": "web"},
        {"offer_id": "a", "position": 1, "propensity": None},
        {"offer_id": "c", "position": None, "local_day": AS_OF + 1, "region": None},
    ]
    found = build_impressions(events(rows), attribution_days=1, until=(AS_OF + 9) * DAY)
    assert found.offer_ids.tolist() == ["a", "b", "c"]
    assert found.position.tolist() == [1.0, 2.0, 1.0]
    assert found.propensity[1] == 0.25
    assert np.isnan(found.propensity[[0, 2]]).all()
    assert found.channel.tolist() == ["app", "web", "app"]
    assert found.region.tolist() == ["Kurgan", "Kurgan", None]
    assert found.slate[0] == found.slate[1] != found.slate[2]
    assert found.window == ("2021-03-14", "2021-03-15")
    assert found.take(np.asarray([2])).offer_ids.tolist() == ["c"]


def test_nothing_shown_is_nothing_to_learn_from():
    with pytest.raises(NotEnoughData, match="no impressions"):
        build_impressions(events([{"kind": "connection"}]), attribution_days=1, until=(AS_OF + 9) * DAY)
    with pytest.raises(NotEnoughData, match="older than"):
        build_impressions(events([{}]), attribution_days=14, until=(AS_OF + 9) * DAY)
