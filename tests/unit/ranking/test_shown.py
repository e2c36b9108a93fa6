import numpy as np
import pyarrow as pa
from tests.fakes.frames import AS_OF, DAY, events, profiles
from tests.fakes.ledger import FakeLedger
from tests.storage.records import a_decision

from mia.ranking.local_time import Zones
from mia.ranking.shown import context_shown
from mia.ranking.training_set import build_impressions

ZONES = Zones({"Kurgan": "Asia/Yekaterinburg"}, "UTC")
PEOPLE = profiles(1, attributes={"region": ["Kurgan"]})
NO_DECISIONS = FakeLedger().decision_contexts()


def decisions(*kept) -> pa.Table:
    ledger = FakeLedger()
    ledger.append_decisions(kept)
    return ledger.decision_contexts()


def shown(rows, table: pa.Table):
    found = build_impressions(events(rows), attribution_days=1, until=(AS_OF + 900) * DAY)
    return context_shown(found, table, PEOPLE, np.zeros(len(found), np.int64), ZONES), found


def test_without_a_decision_the_moment_is_all_that_is_known():
    context, found = shown([{"decision_id": "unknown"}, {"decision_id": None, "local_day": AS_OF + 1}], NO_DECISIONS)
    assert context.placement is None
    assert {name: values.tolist() for name, values in context.numbers.items()} == {
        "hour": [17.0, 17.0],
        "weekday": [6.0, 0.0],
    }
    assert context.slate.tolist() == found.slate.tolist()
    assert context.channel.tolist() == ["app", "app"]


def test_what_the_decision_was_asked_with_is_known_of_its_impressions():
    kept = [
        a_decision("d1", placement="top", context={"balance": 5, "data_left_mb": 0.5, "page": "home", "new": True}),
        a_decision("d2", context={"balance": -1.5}),
        a_decision("d3"),
        a_decision("d4", context={}),
    ]
    rows = [
        {"decision_id": decision_id, "local_day": AS_OF + place}
        for place, decision_id in enumerate(["d2", "d1", None, "d4", "d1"])
    ]
    context, _ = shown(rows, decisions(*kept))
    assert context.placement.tolist() == [None, "top", None, None, "top"]
    assert set(context.numbers) == {"hour", "weekday", "context_balance", "context_data_left_mb"}
    np.testing.assert_array_equal(context.numbers["context_balance"], [-1.5, 5.0, np.nan, np.nan, 5.0])
    np.testing.assert_array_equal(context.numbers["context_data_left_mb"], [np.nan, 0.5, np.nan, np.nan, 0.5])
    # Decisions were taken at 20:00 UTC, the impression without one happened at noon: both five hours later in Kurgan.
    assert context.numbers["hour"].tolist() == [1.0, 1.0, 17.0, 1.0, 1.0]


def test_a_number_that_hardly_any_request_carries_is_left_out():
    kept = [a_decision("d1", context={"balance": 5, "session_77": 1})] + [
        a_decision(f"d{number}", context={"balance": number}) for number in range(2, 102)
    ]
    rows = [{"decision_id": decision.decision_id, "local_day": AS_OF + day} for day, decision in enumerate(kept)]
    context, _ = shown(rows, decisions(*kept))
    assert set(context.numbers) == {"hour", "weekday", "context_balance"}
