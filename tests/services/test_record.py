"""Events as clients send them become complete, or are refused with a reason."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.door import NOON_JULY_FIRST, FakeClock, FakeDecisions
from tests.fakes.ledger import FakeLedger

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import EventKind
from mia.domain.region import REGIONS
from mia.services.decide.maker import LocalFacts
from mia.services.record import CLOCK_SKEW, EARLIEST, Recorder
from mia.timeline import date_of, epoch_micros, timestamp_of

EVENT = {
    "event_id": "e1",
    "occurred_at": "2021-06-30T20:30:00Z",
    "subscriber_id": "s1",
    "offer_id": "music_30",
    "kind": "impression",
    "channel": "app",
}


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def recorder(ledger: FakeLedger) -> Recorder:
    return Recorder(FakeDecisions(ledger), FakeClock(), REGIONS)


def decided(recorder: Recorder, ledger: FakeLedger) -> Decision:
    decision = recorder.facts.decide(DecisionRequest("s1", "app", NOON_JULY_FIRST, limit=2))
    return ledger.append_decisions([decision])[0]


def reason(recorder: Recorder, **changes: Any) -> str:
    events, rejected = recorder.prepare([EVENT | changes])
    assert events == []
    assert [item.event_id for item in rejected] == ["e1"]
    return rejected[0].reason


def test_an_event_is_completed_with_the_subscribers_own_facts(recorder: Recorder) -> None:
    (event,), rejected = recorder.prepare([EVENT])
    assert rejected == []
    assert event.kind is EventKind.IMPRESSION
    assert event.occurred_at == epoch_micros(datetime(2021, 6, 30, 20, 30, tzinfo=UTC))
    assert (event.region, event.macro_region, event.arm) == ("Kurgan", "Urals", "mia")
    assert date_of(event.local_day).isoformat() == "2021-07-01"
    assert (event.decision_id, event.position, event.propensity) == (None, None, None)


def test_a_stranger_is_recorded(recorder: Recorder) -> None:
    (event,), _ = recorder.prepare([EVENT | {"subscriber_id": "nobody"}])
    assert (event.region, event.macro_region, event.arm) == (None, None, "control")
    assert date_of(event.local_day).isoformat() == "2021-06-30"


def test_a_stranger_has_the_day_of_the_region_given(recorder: Recorder) -> None:
    (event,), _ = recorder.prepare([EVENT | {"subscriber_id": "nobody", "region": "Vladivostok"}])
    assert (event.region, event.macro_region) == ("Vladivostok", "Far East")
    assert date_of(event.local_day).isoformat() == "2021-07-01"


def test_region_given_counts_but_the_day_stays_the_subscribers(recorder: Recorder) -> None:
    (event,), _ = recorder.prepare([EVENT | {"region": "Rostov"}])
    assert (event.region, event.macro_region) == ("Rostov", "South")
    assert date_of(event.local_day).isoformat() == "2021-07-01"


def test_region_that_is_not_listed_has_no_macro_region(recorder: Recorder) -> None:
    (event,), _ = recorder.prepare([EVENT | {"region": "Atlantis"}])
    assert (event.region, event.macro_region) == ("Atlantis", None)


def test_the_decision_tells_position_and_propensity(recorder: Recorder, ledger: FakeLedger) -> None:
    decision = decided(recorder, ledger)
    follow = EVENT | {"decision_id": decision.decision_id, "offer_id": "data_10"}
    stated = follow | {"event_id": "e2", "position": 2, "propensity": 0.333333333333}
    events, rejected = recorder.prepare([follow, stated])
    assert rejected == []
    assert [(event.position, event.propensity) for event in events] == [(2, 1 / 3)] * 2


def test_offer_of_a_decision_may_have_left_the_catalogue(recorder: Recorder, ledger: FakeLedger) -> None:
    decision = decided(recorder, ledger)
    recorder.facts.catalogue.offers = ()
    (event,), _ = recorder.prepare([EVENT | {"decision_id": decision.decision_id}])
    assert event.position == 1
    assert "music_30" in reason(recorder)


@pytest.mark.parametrize(
    ("changes", "beginning"),
    [
        ({"offer_id": "roaming_7"}, "offer_id: "),
        ({"subscriber_id": "s2"}, "decision_id: "),
        ({"position": 2}, "position: "),
        ({"propensity": 0.5}, "propensity: "),
    ],
)
def test_events_that_contradict_their_decision_are_refused(
    recorder: Recorder, ledger: FakeLedger, changes: dict[str, Any], beginning: str
) -> None:
    decision = decided(recorder, ledger)
    assert reason(recorder, decision_id=decision.decision_id, **changes).startswith(beginning)


def test_unknown_decision_is_refused(recorder: Recorder) -> None:
    assert reason(recorder, decision_id="nope") == "no decision 'nope' in the ledger"


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"kind": "sneeze"}, "kind"),
        ({"channel": "fax"}, "channel"),
        ({"position": 0}, "position"),
        ({"position": 1.5}, "position"),
        ({"position": 10**30}, "position"),
        ({"propensity": 0}, "propensity"),
        ({"propensity": 1.01}, "propensity"),
        ({"propensity": float("nan")}, "propensity"),
        ({"subscriber_id": ""}, "subscriber_id"),
        ({"subscriber_id": "a\x00"}, "subscriber_id"),
        ({"subscriber_id": "\ud800"}, "subscriber_id"),
        ({"colour": "red"}, "colour"),
        ({"occurred_at": 1_625_000_000}, "occurred_at"),
        ({"occurred_at": "2021-06-30"}, "occurred_at"),
        ({"occurred_at": "2021-02-30T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2021-06-30T25:00:00Z"}, "occurred_at"),
        ({"occurred_at": "1989-12-31T23:59:59.999999Z"}, "occurred_at"),
        ({"occurred_at": "2021-07-01T12:05:01Z"}, "occurred_at"),
    ],
)
def test_broken_rules_name_their_column(recorder: Recorder, changes: dict[str, Any], column: str) -> None:
    assert reason(recorder, **changes).startswith(f"{column}: ")


@pytest.mark.parametrize("name", ["event_id", "occurred_at", "subscriber_id", "offer_id", "kind", "channel"])
def test_missing_fields_are_named(recorder: Recorder, name: str) -> None:
    _, rejected = recorder.prepare([{key: value for key, value in EVENT.items() if key != name}])
    assert rejected[0].reason == f"{name}: Field required"


def test_every_broken_rule_is_listed(recorder: Recorder) -> None:
    assert reason(recorder, kind="sneeze", position=0).count("; ") == 1


@pytest.mark.parametrize("item", [None, 7, "e1", [], {}, {"event_id": "\ud800"}, {"event_id": "a\x00"}])
def test_what_is_no_event_has_no_id(recorder: Recorder, item: Any) -> None:
    assert recorder.prepare([item])[1][0].event_id is None


def test_ledger_that_is_down_refuses_nobody_for_good(recorder: Recorder, ledger: FakeLedger) -> None:
    decision = decided(recorder, ledger)
    sent = EVENT | {"decision_id": decision.decision_id, "position": 7, "propensity": 0.5}
    ledger.down = True
    (event,), rejected = recorder.prepare([sent])
    assert rejected == []
    # What the client says is not taken for granted: the decision will tell.
    assert (event.decision_id, event.position, event.propensity) == (decision.decision_id, None, None)


def test_decisions_and_subscribers_are_looked_up_once_a_batch(recorder: Recorder, ledger: FakeLedger) -> None:
    decision = decided(recorder, ledger)
    asked: list[object] = []

    class Counting(FakeDecisions):
        def find_decisions(self, decision_ids: Sequence[str]) -> dict[str, Decision]:
            asked.append(decision_ids)
            return super().find_decisions(decision_ids)

        def local_facts(self, subscriber_id: str) -> LocalFacts:
            asked.append(subscriber_id)
            return super().local_facts(subscriber_id)

    counting = replace(recorder, facts=Counting(ledger))
    batch = [EVENT | {"event_id": f"e{number}", "decision_id": decision.decision_id} for number in range(20)]
    assert len(counting.prepare(batch)[0]) == 20
    assert asked == [[decision.decision_id], EVENT["subscriber_id"]]


@given(
    st.integers(EARLIEST, NOON_JULY_FIRST + CLOCK_SKEW),
    st.integers(-14 * 60, 14 * 60),
)
def test_any_offset_names_the_same_moment(micros: int, offset: int) -> None:
    recorder = Recorder(FakeDecisions(FakeLedger()), FakeClock(), REGIONS)
    local = timestamp_of(micros).astimezone(timezone(timedelta(minutes=offset)))
    (event,), _ = recorder.prepare([EVENT | {"occurred_at": local.isoformat()}])
    assert event.occurred_at == micros
    utc = timestamp_of(micros).replace(tzinfo=None).isoformat(sep=" ")
    (event,), _ = recorder.prepare([EVENT | {"occurred_at": utc}])
    assert event.occurred_at == micros


@given(
    st.lists(st.one_of(st.just(EVENT), st.none(), st.text(), st.dictionaries(st.sampled_from(list(EVENT)), st.text())))
)
def test_every_item_comes_back_once(items: list[Any]) -> None:
    recorder = Recorder(FakeDecisions(FakeLedger()), FakeClock(), REGIONS)
    events, rejected = recorder.prepare(items)
    assert len(events) + len(rejected) == len(items)
    assert len(events) == sum(item == EVENT for item in items)
