"""While the ledger is away: what is acknowledged waits on the local disk, and reaches the ledger once."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.callers import hand_in
from tests.fakes.ledger import FakeLedger
from tests.storage.records import a_decision, an_event
from tests.storage.test_past import showing

from mia.domain.decision import Decision, Fallback
from mia.domain.event import EventKind, Outcome
from mia.domain.past import Past
from mia.errors import LedgerUnavailable, RequestConflict, SpoolFull
from mia.ports import Proposal
from mia.storage.ledger import GroupCommit, Shelter
from mia.storage.spool import Spool

AWAY = Fallback.LEDGER_UNAVAILABLE


class Clock:
    """Seconds that pass when told to, so that no test waits for a retry."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_writer(ledger: FakeLedger, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., GroupCommit]]:
    writers = []

    def make(limit: int = 2**20, **options: Any) -> GroupCommit:
        shelter = Shelter(Spool(tmp_path / "spool", limit))
        writers.append(GroupCommit(ledger, shelter=shelter, clock=clock, **options))
        return writers[-1]

    yield make
    for writer in writers:
        writer.close()


def proposal(decision_id: str, request_id: str | None = None, **changes: Any) -> Proposal:
    decision = a_decision(decision_id, request_id, **changes)

    def retake(past: Past | None) -> Decision:
        assert past is None
        return replace(decision, decision_id=f"{decision_id} again", fallback=AWAY)

    return Proposal(decision, retake)


def follows(event_id: str, decision_id: str, **changes: Any) -> Any:
    return an_event(event_id, decision_id=decision_id, position=None, propensity=None, **changes)


def eventually(clock: Clock, condition: Callable[[], bool]) -> None:
    for _ in range(500):
        clock.now += 0.1
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to be")


def test_work_goes_on_and_is_delivered_once(
    ledger: FakeLedger, clock: Clock, open_writer: Callable[..., GroupCommit]
) -> None:
    writer = open_writer()
    ledger.down = True
    stood = hand_in(writer, proposal("d1")).result()
    assert (stood.decision_id, stood.fallback) == ("d1 again", AWAY)
    assert writer.is_away
    assert writer.submit_events([an_event("e1"), an_event("e2")]).result() == [Outcome.ACCEPTED] * 2
    assert writer.submit_events([an_event("e1")]).result() == [Outcome.ACCEPTED]
    ledger.down = False
    eventually(clock, lambda: ledger.position() == 2)
    assert ledger.decision("d1 again") == stood
    assert ledger.decisions_count() == 1
    # And from now on the ledger itself.
    assert writer.submit_events([an_event("e1")]).result() == [Outcome.DUPLICATE]


def test_another_process_delivers_what_one_left_behind(
    ledger: FakeLedger, clock: Clock, open_writer: Callable[..., GroupCommit]
) -> None:
    ledger.down = True
    first = open_writer()
    hand_in(first, proposal("d1")).result()
    first.submit_events([an_event("e1")]).result()
    first.close()
    ledger.down = False
    assert ledger.decisions_count() == 0
    open_writer()
    eventually(clock, lambda: ledger.position() == 1)
    assert ledger.decisions_count() == 1


def test_what_was_delivered_before_a_crash_is_not_delivered_again(
    ledger: FakeLedger, clock: Clock, open_writer: Callable[..., GroupCommit]
) -> None:
    ledger.append_decisions([a_decision("earlier", "r1")])
    writer = open_writer()
    ledger.down = True
    sheltered = hand_in(writer, proposal("d1", "r1")).result()
    writer.submit_events([an_event("e1")]).result()
    writer.close()
    ledger.down = False
    # Delivered, and killed before the spool was cleared.
    request = replace(sheltered.request, request_id=None)
    ledger.append_decisions([replace(sheltered, request=request)])
    ledger.append_events([an_event("e1")])
    open_writer()
    writer = open_writer()
    eventually(clock, lambda: not list(writer._shelter._spool.everything()))
    assert ledger.decisions_count() == 2
    assert ledger.position() == 1
    assert ledger.answered("r1") == a_decision("earlier", "r1")
    assert ledger.decision(sheltered.decision_id).request == request


def test_a_repeated_request_gets_the_sheltered_answer(
    ledger: FakeLedger, open_writer: Callable[..., GroupCommit]
) -> None:
    writer = open_writer()
    ledger.down = True
    first = hand_in(writer, proposal("d1", "r1")).result()
    assert hand_in(writer, proposal("d2", "r1")).result() == first
    with pytest.raises(RequestConflict):
        hand_in(writer, proposal("d3", "r1", limit=9)).result()


def test_an_answer_that_never_reached_the_disk_is_no_earlier_one(
    ledger: FakeLedger, open_writer: Callable[..., GroupCommit], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer()
    ledger.down = True
    hand_in(writer, proposal("d0")).result()

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SpoolFull):
        hand_in(writer, proposal("d1", "r1")).result()
    monkeypatch.setattr(os, "fsync", sync)
    stood = hand_in(writer, proposal("d2", "r1")).result()
    assert stood.decision_id == "d2 again"
    assert hand_in(writer, proposal("d3", "r1")).result() == stood


def test_events_of_decisions_that_nobody_could_look_up_are_completed(
    ledger: FakeLedger, clock: Clock, open_writer: Callable[..., GroupCommit]
) -> None:
    ledger.append_decisions([a_decision("known")])
    writer = open_writer()
    ledger.down = True
    stood = hand_in(writer, proposal("d1")).result()
    events = [
        follows("of the spool", stood.decision_id, offer_id="video"),
        follows("of the ledger", "known"),
        follows("of another", "known", subscriber_id="s2"),
        follows("of no offer there", "known", offer_id="films"),
        follows("of nobody", "never taken"),
    ]
    assert writer.submit_events(events).result() == [Outcome.ACCEPTED] * 5
    ledger.down = False
    eventually(clock, lambda: ledger.position() == 5)
    kept = {row["event_id"]: (row["decision_id"], row["position"]) for row in ledger.events().to_pylist()}
    assert kept == {
        "of the spool": (stood.decision_id, 2),
        "of the ledger": ("known", 1),
        "of another": (None, None),
        "of no offer there": (None, None),
        "of nobody": ("never taken", None),
    }
    # One that is unfinished when the ledger is back already is completed at once.
    writer.submit_events([follows("late", "known")]).result()
    assert ledger.events()["position"].to_pylist()[-1] == 1


def test_a_full_spool_says_so_and_leaves_room_for_decisions(
    ledger: FakeLedger, open_writer: Callable[..., GroupCommit]
) -> None:
    writer = open_writer(limit=4_000)
    ledger.down = True
    outcomes = [writer.submit_events([an_event(f"e{number}")]) for number in range(20)]
    refused = [future.exception() for future in outcomes if future.exception() is not None]
    assert 0 < len(refused) < 20
    assert {type(problem) for problem in refused} == {SpoolFull}
    assert hand_in(writer, proposal("d1")).result().fallback is AWAY
    decisions = [hand_in(writer, proposal(f"more {number}")) for number in range(20)]
    assert any(isinstance(future.exception(), SpoolFull) for future in decisions)


def test_connections_of_a_budget_are_not_taken_blindly(
    ledger: FakeLedger, open_writer: Callable[..., GroupCommit]
) -> None:
    writer = open_writer(budgets=lambda: {"promo": 10})
    ledger.down = True
    promised = an_event("c1", offer_id="promo", kind=EventKind.CONNECTION)
    with pytest.raises(LedgerUnavailable, match="budget"):
        writer.submit_events([promised]).result()
    assert writer.submit_events([replace(promised, offer_id="music")]).result() == [Outcome.ACCEPTED]


def test_decisions_that_fall_behind_come_back_in_the_next_commit(open_writer: Callable[..., GroupCommit]) -> None:
    writer = open_writer()
    stood = [
        hand_in(writer, Proposal(showing(f"d{n}", "music"), lambda past, n=n: showing(f"again {n}", "video", on=past)))
        for n in range(80)
    ]
    assert {future.result().offers[0].offer_id for future in stood} == {"music", "video"}
