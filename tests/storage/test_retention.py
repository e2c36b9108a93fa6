"""Decisions of old months go, and a person is forgotten; no figure of what happened changes."""

from dataclasses import replace

import pytest
from tests.fakes.ledger import FakeLedger
from tests.storage.records import a_decision, an_event
from tests.storage.test_past import AT, MINUTE, showing

from mia.domain.event import EventKind, Outcome
from mia.errors import UnknownDecision
from mia.ports import Ledger, Proposal
from mia.storage.ledger import SqlLedger, retention
from mia.timeline import month_number, month_start

DAY = 86_400 * 1_000_000


def in_month(decision_id: str, month: str, day: int = 0) -> object:
    decision = a_decision(decision_id)
    return replace(decision, request=replace(decision.request, at=(month_start(month_number(month)) + day) * DAY))


def test_months_before_the_bound_go_and_events_stay(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    old = [in_month(f"old {day}", "2021-01", day) for day in (0, 15, 30)] + [in_month("older", "2019-12", 30)]
    kept = [in_month("first", "2021-02"), in_month("later", "2021-04", 3)]
    ledger.append_decisions([*old, *kept])
    ledger.append_events(
        [an_event(f"e{n}", decision_id="old 0", kind=kind) for n, kind in enumerate(EventKind)] + [an_event("other")]
    )
    before = ledger.events()
    assert ledger.prune_decisions(month_number("2021-02")) == 4
    assert ledger.decisions_count() == 2
    assert [ledger.decision(one.decision_id) for one in kept] == kept
    with pytest.raises(UnknownDecision):
        ledger.decision("old 0")
    assert ledger.events().equals(before)
    assert ledger.connections_by_offer() == {"music": 1}
    assert ledger.prune_decisions(month_number("2021-02")) == 0
    # A month that went comes back when there is something for it again.
    ledger.append_decisions([old[0]])
    assert ledger.decision("old 0") == old[0]


def test_positions_are_never_given_again(sql_ledger: SqlLedger) -> None:
    sql_ledger.append_decisions([showing("d1", "music")])
    first = sql_ledger.past("s1", at=AT).decision_position
    sql_ledger.prune_decisions(month_number("2021-03"))
    sql_ledger.append_decisions([showing("d2", "music")])
    assert sql_ledger.past("s1", at=AT).decision_position > first


def test_a_person_is_read_whole_and_forgotten(ledger: FakeLedger | SqlLedger) -> None:
    mine = [an_event("late", occurred_at=9), an_event("soon", occurred_at=5, kind=EventKind.CONNECTION)]
    ledger.append_events([*mine, an_event("not mine", subscriber_id="s2")])
    ledger.append_decisions([a_decision("d1"), a_decision("d2", subscriber_id="s2")])
    events, decisions = ledger.person("s1")
    assert events["event_id"].to_pylist() == ["soon", "late"]
    assert decisions == [a_decision("d1")]
    before, connected = ledger.events(), ledger.connections_by_offer()
    assert ledger.erase("s1", "nobody in particular") == (2, 1)
    assert ledger.person("s1")[0].num_rows == 0
    assert ledger.person("s1")[1] == []
    assert ledger.person("nobody in particular")[0]["event_id"].to_pylist() == ["soon", "late"]
    after = ledger.events()
    assert after.drop(["subscriber_id"]).equals(before.drop(["subscriber_id"]))
    assert set(after["subscriber_id"].to_pylist()) == {"nobody in particular", "s2"}
    assert ledger.connections_by_offer() == connected
    # Sent again, it is known to be there, but not whose it is.
    assert ledger.append_events(mine) == [Outcome.CONFLICT] * 2
    assert ledger.erase("s1", "somebody else") == (0, 0)


def test_what_was_held_for_a_person_is_free_again(sql_ledger: SqlLedger) -> None:
    now = sql_ledger.database.clock()
    held = showing("d1", "promo", at=now, reserved_until=now + MINUTE)
    sql_ledger.commit([], [Proposal(held)], {"promo": 1})
    assert sql_ledger.past("s2", at=now, budgets={"promo": 1}).exhausted == {"promo"}
    sql_ledger.erase("s1", "nobody")
    assert sql_ledger.past("s2", at=now, budgets={"promo": 1}).exhausted == frozenset()
