import threading
from concurrent.futures import wait
from typing import Any

import pytest
from tests.fakes.callers import hand_in
from tests.fakes.ledger import FakeLedger
from tests.storage.records import a_decision, an_event

from mia.domain.event import Outcome
from mia.errors import InvalidInput, LedgerUnavailable, Overloaded, RequestConflict
from mia.ports import NO_BUDGETS, Proposal
from mia.storage.ledger import GroupCommit, SqlLedger
from mia.storage.ledger.group_commit import GROUP
from mia.storage.ledger.standing import RETAKES


class GatedLedger(FakeLedger):
    """Commits only when told to, and remembers the size of each group."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.sizes: list[int] = []

    def commit(self, batches: Any, proposals: Any, budgets: Any = NO_BUDGETS) -> Any:
        self.begun.release()
        self.go.acquire()
        self.sizes.append(sum(map(len, batches)) + len(proposals))
        return super().commit(batches, proposals, budgets)


def test_answers_come_after_the_commit_and_in_order(sql_ledger: SqlLedger) -> None:
    writer = GroupCommit(sql_ledger)
    events = writer.submit_events([an_event("a"), an_event("b"), an_event("a")])
    decision = hand_in(writer, Proposal(a_decision()))
    assert events.result() == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert sql_ledger.events()["event_id"].to_pylist() == ["a", "b"]
    assert decision.result() == a_decision()
    assert sql_ledger.decision("d1") == a_decision()
    writer.close()


def test_one_that_cannot_be_stored_does_not_spoil_its_neighbours(sql_ledger: SqlLedger) -> None:
    sql_ledger.append_decisions([a_decision("d0", "r0")])
    writer = GroupCommit(sql_ledger)
    good = [writer.submit_events([an_event(f"e{number}")]) for number in range(20)]
    bad = writer.submit_events([an_event("nul\0")])
    too_large = writer.submit_events([an_event("large", occurred_at=2**70)])
    conflict = hand_in(writer, Proposal(a_decision("d1", "r0", limit=1)))
    repeated = hand_in(writer, Proposal(a_decision("d2", "r0")))
    infinite = hand_in(writer, Proposal(a_decision("d3", context={"when": object()})))
    kept = hand_in(writer, Proposal(a_decision("d4")))
    writer.close()
    assert [future.result() for future in good] == [[Outcome.ACCEPTED]] * 20
    for future in (bad, too_large, infinite):
        assert isinstance(future.exception(), InvalidInput)
    assert isinstance(conflict.exception(), RequestConflict)
    assert repeated.result() == a_decision("d0", "r0")
    assert kept.result().decision_id == "d4"
    assert sql_ledger.events().num_rows == 20
    assert sql_ledger.decisions_count() == 2


def test_waiting_work_is_committed_in_groups_of_limited_size() -> None:
    ledger = GatedLedger()
    writer = GroupCommit(ledger)
    futures = [writer.submit_events([an_event("first")])]
    ledger.begun.acquire()
    futures += [writer.submit_events([an_event(f"e{number}")]) for number in range(GROUP + 10)]
    for _ in range(3):
        ledger.go.release()
    writer.close()
    assert ledger.sizes == [1, GROUP, 10]
    assert all(future.result() == [Outcome.ACCEPTED] for future in futures)


def test_a_full_queue_refuses_at_once() -> None:
    ledger = GatedLedger()
    writer = GroupCommit(ledger, capacity=2)
    first = writer.submit_events([an_event("a")])
    ledger.begun.acquire()
    waiting = [writer.submit_events([an_event("b")]), hand_in(writer, Proposal(a_decision()))]
    with pytest.raises(Overloaded, match="full"):
        writer.submit_events([an_event("c")])
    with pytest.raises(Overloaded, match="full"):
        hand_in(writer, Proposal(a_decision("d2")))
    ledger.go.release(2)
    writer.close()
    assert first.result() == [Outcome.ACCEPTED]
    assert all(future.exception() is None for future in waiting)
    assert ledger.events()["event_id"].to_pylist() == ["a", "b"]


def test_a_ledger_that_is_down_fails_its_callers_and_no_later_ones() -> None:
    ledger = FakeLedger()
    writer = GroupCommit(ledger)
    ledger.down = True
    assert isinstance(writer.submit_events([an_event()]).exception(), LedgerUnavailable)
    assert isinstance(hand_in(writer, Proposal(a_decision())).exception(), LedgerUnavailable)
    ledger.down = False
    assert writer.submit_events([an_event()]).result() == [Outcome.ACCEPTED]
    writer.close()


def test_a_caller_that_gave_up_harms_nobody() -> None:
    ledger = GatedLedger()
    writer = GroupCommit(ledger)
    writer.submit_events([an_event("a")])
    ledger.begun.acquire()
    given_up = writer.submit_events([an_event("b")])
    assert given_up.cancel()
    kept = writer.submit_events([an_event("c")])
    ledger.go.release(2)
    writer.close()
    assert kept.result() == [Outcome.ACCEPTED]
    assert ledger.events()["event_id"].to_pylist() == ["a", "c"]


def test_close_commits_what_was_taken_and_refuses_the_rest() -> None:
    ledger = FakeLedger()
    writer = GroupCommit(ledger)
    futures = [writer.submit_events([an_event(f"e{number}")]) for number in range(100)]
    writer.close()
    writer.close()
    assert all(future.done() for future in futures)
    assert ledger.position() == 100
    with pytest.raises(LedgerUnavailable, match="closed"):
        writer.submit_events([an_event()])


def test_many_threads_through_one_writer(sql_ledger: SqlLedger) -> None:
    writer = GroupCommit(sql_ledger)
    futures = []

    def work(worker: int) -> None:
        futures.extend(
            writer.submit_events([an_event(f"e{number}"), an_event(f"own{worker}-{number}")]) for number in range(50)
        )

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(futures)
    writer.close()
    outcomes = [outcome for future in futures for outcome in future.result()]
    assert outcomes.count(Outcome.ACCEPTED) == 50 + 4 * 50
    assert outcomes.count(Outcome.DUPLICATE) == 3 * 50
    assert sql_ledger.events().num_rows == 250


def test_what_waited_for_too_long_is_given_up() -> None:
    now = [0.0]
    ledger = GatedLedger()
    writer = GroupCommit(ledger, patience=5.0, clock=lambda: now[0])
    first = writer.submit_events([an_event("a")])
    ledger.begun.acquire()
    late = writer.submit_events([an_event("b")])
    now[0] = 5.1
    # The commit at work takes longer than anybody would wait, so nobody is told to.
    with pytest.raises(Overloaded, match="longer"):
        writer.submit_events([an_event("c")])
    ledger.go.release(2)
    assert first.result() == [Outcome.ACCEPTED]
    with pytest.raises(Overloaded, match="too long"):
        late.result()
    assert writer.submit_events([an_event("d")]).result() == [Outcome.ACCEPTED]
    writer.close()
    assert ledger.events()["event_id"].to_pylist() == ["a", "d"]


def test_decisions_that_came_together_are_answered_each_by_its_place(sql_ledger: SqlLedger) -> None:
    sql_ledger.append_decisions([a_decision("d0", "r0")])
    found: dict[int, Any] = {}
    writer = GroupCommit(sql_ledger)
    given = [
        a_decision("d1"),
        a_decision("d2", "r0", limit=1),
        a_decision("d3", context={"when": object()}),
        a_decision("d4", "r0"),
    ]
    writer.submit([Proposal(one) for one in given], found.update)
    writer.close()
    assert found[0] == a_decision("d1")
    assert isinstance(found[1], RequestConflict)
    assert isinstance(found[2], InvalidInput)
    assert found[3] == a_decision("d0", "r0")
    assert sql_ledger.decisions_count() == 2


def test_of_those_that_came_together_only_the_overtaken_wait_for_another_commit(sql_ledger: SqlLedger) -> None:
    many = RETAKES + 3
    calls: list[list[int]] = []

    def again(number: int) -> Any:
        return lambda past: a_decision(f"again {number}", subscriber_id="s1")

    writer = GroupCommit(sql_ledger)
    proposals = [Proposal(a_decision(f"d{number}", subscriber_id="s1"), again(number)) for number in range(many)]
    writer.submit(proposals, lambda found: calls.append([place for place, _ in found]))
    writer.close()
    # The first stands, so many are taken anew in its transaction, and the rest in the next one.
    assert calls == [list(range(RETAKES + 1)), list(range(RETAKES + 1, many))]
    assert sql_ledger.decisions_count() == many


def test_every_proposal_of_a_group_waits_for_itself() -> None:
    ledger = GatedLedger()
    writer = GroupCommit(ledger, capacity=3)
    writer.submit_events([an_event("a")])
    ledger.begun.acquire()
    writer.submit([Proposal(a_decision(f"d{number}")) for number in range(3)], lambda _: None)
    assert writer.waiting == 3
    with pytest.raises(Overloaded):
        writer.submit_events([an_event("b")])
    ledger.go.release(2)
    writer.close()
    assert writer.waiting == 0
