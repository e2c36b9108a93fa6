"""Processes of their own that ask and connect through group commits of their own, all at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

from tests.fakes.callers import hand_in
from tests.storage.records import an_event
from tests.storage.test_past import AT, showing

from mia.domain.decision import Decision
from mia.domain.event import EventKind, Outcome
from mia.domain.past import Past
from mia.ports import Proposal
from mia.storage.ledger import GroupCommit, SqlLedger, open_ledger

WORKERS = 4
CAP, OFFERS, LIMIT = 5, tuple(f"offer {place}" for place in range(10)), 3
PROMO = "promo"


def run(work: Callable[..., Any], url: str, *arguments: Any) -> list[Any]:
    """What each of the workers returned; they begin at the same moment."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.storage.hammer"])
    with context.Manager() as manager:
        barrier = manager.Barrier(WORKERS)
        with context.Pool(WORKERS) as pool:
            tasks = [(work, url, barrier, place, *arguments) for place in range(WORKERS)]
            return pool.starmap(_work, tasks, chunksize=1)


def _work(work: Callable[..., Any], url: str, barrier: Barrier, place: int, *arguments: Any) -> Any:
    ledger = open_ledger(url, lambda: AT)
    barrier.wait()
    try:
        return work(ledger, place, *arguments)
    finally:
        ledger.close()


def ask(ledger: SqlLedger, place: int, requests: int) -> list[list[str]]:
    """Ask that many times at once for one subscriber, whose offers may each be seen five times; what was shown."""
    writer = GroupCommit(ledger)

    def take(number: int, past: Past | None) -> Decision:
        assert past is not None
        seen = Counter(contact.offer_id for contact in past.contacts(AT))
        left = [offer_id for offer_id in OFFERS if seen[offer_id] < CAP][:LIMIT]
        return showing(f"{place} {number} {past.position} {past.decision_position}", *left, on=past)

    def one(number: int) -> list[str]:
        def again(past: Past | None) -> Decision:
            return take(number, past)

        stood = hand_in(writer, Proposal(again(ledger.past("s1", at=AT)), again)).result()
        return [offer.offer_id for offer in stood.offers]

    with ThreadPoolExecutor(requests) as pool:
        shown = list(pool.map(one, range(requests)))
    writer.close()
    return shown


def connect(ledger: SqlLedger, place: int, connections: int, budget: int) -> dict[Outcome, int]:
    """Send connections of one offer by many subscribers, one event a submission."""
    writer = GroupCommit(ledger, budgets=lambda: {PROMO: budget})
    futures = [
        writer.submit_events(
            [
                an_event(
                    f"{place} {number}",
                    subscriber_id=f"{place} {number}",
                    offer_id=PROMO,
                    kind=EventKind.CONNECTION,
                    decision_id=None,
                )
            ]
        )
        for number in range(connections)
    ]
    outcomes = Counter(future.result()[0] for future in futures)
    writer.close()
    return dict(outcomes)
