import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import DAY, events

from mia.evaluation.given_anyway import estimate_given_anyway

COSTS = {"a": 10.0, "b": 3.0}
HOUR = DAY // 24
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "subscriber_id": st.sampled_from(["s0", "s1", "s2"]),
            "offer_id": st.sampled_from(["a", "b", "free"]),
            "kind": st.sampled_from(["impression", "impression", "connection", "click"]),
            "occurred_at": st.integers(0, 200).map(lambda hours: hours * 6 * HOUR),
        }
    ),
    max_size=30,
)


def by_hand(rows, days, since, until):
    """The formula of the docstring, hour by hour."""
    known = [row for row in rows if row["occurred_at"] < until]
    people = {row["subscriber_id"] for row in known if row["kind"] == "impression" and row["occurred_at"] >= since}
    anyway, cost, asked, organic = 0.0, 0.0, 0, 0
    for offer, price in COSTS.items():
        covered = n = g = 0
        for one in people:
            own = [row for row in known if (row["subscriber_id"], row["offer_id"]) == (one, offer)]
            shown = [row["occurred_at"] for row in own if row["kind"] == "impression"]
            covered += sum(any(at <= hour < at + days * DAY for at in shown) for hour in range(since, until, HOUR))
            for row in own:
                if row["kind"] == "connection" and row["occurred_at"] >= since:
                    after = any(0 <= row["occurred_at"] - at <= days * DAY for at in shown)
                    n, g = n + after, g + (not after)
        uncovered = len(people) * (until - since) / HOUR - covered
        lost = min(n, covered * g / uncovered) if uncovered > 0 else 0.0
        anyway, cost, asked, organic = anyway + lost, cost + lost * price, asked + n, organic + g
    return anyway, cost, asked, organic


@given(rows=ROWS, days=st.integers(1, 9), since=st.integers(0, 20), length=st.integers(1, 30))
def test_it_is_the_formula_counted_hour_by_hour(rows, days, since, length):
    since, until = since * DAY, (since + length) * DAY
    anyway, cost, asked, organic = by_hand(rows, days, since, until)
    found = estimate_given_anyway(events(rows), COSTS, attribution_days=days, since=since, until=until)
    assert (found.connections, found.organic) == (asked, organic)
    assert found.anyway == pytest.approx(anyway, abs=1e-9)
    assert found.cost == pytest.approx(cost, abs=1e-9)
    assert found.share == (None if not asked else pytest.approx(anyway / asked, abs=1e-9))


def test_an_example_by_hand():
    """Two people over ten days; one saw the offer on day 2 and connected, the other connected unasked."""
    rows = [
        {"subscriber_id": "s0", "offer_id": "a", "occurred_at": 2 * DAY},
        {"subscriber_id": "s0", "offer_id": "a", "kind": "connection", "occurred_at": 3 * DAY},
        {"subscriber_id": "s1", "offer_id": "b", "occurred_at": 1 * DAY},
        {"subscriber_id": "s1", "offer_id": "a", "kind": "connection", "occurred_at": 5 * DAY},
    ]
    found = estimate_given_anyway(events(rows), COSTS, attribution_days=4, since=0, until=10 * DAY)
    assert (found.connections, found.organic, found.anyway, found.share) == (1, 1, 4 / 16, 4 / 16)
    assert found.cost == 10.0 * 4 / 16


def test_without_discounts_there_is_nothing_to_lose():
    found = estimate_given_anyway(events([{}]), {}, attribution_days=14, since=0, until=10**18)
    assert (found.connections, found.cost, found.share) == (0, 0.0, None)
