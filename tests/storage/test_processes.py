"""Rules that hold over several processes at once, on SQLite and on PostgreSQL."""

from collections import Counter

from tests.storage import hammer

from mia.domain.event import Outcome
from mia.storage.ledger import open_ledger


def test_caps_hold_for_64_requests_at_once_over_four_processes(url: str) -> None:
    open_ledger(url, lambda: 1).close()
    answers = [shown for found in hammer.run(hammer.ask, url, 16) for shown in found]
    assert len(answers) == 64
    counts = Counter(offer_id for shown in answers for offer_id in shown)
    # Not one place too many, and not one that was left unused.
    assert counts == dict.fromkeys(hammer.OFFERS, hammer.CAP)
    ledger = open_ledger(url, lambda: 1)
    kept = ledger.past("s1", at=hammer.AT).reserved
    assert Counter(one.offer_id for one in kept) == counts
    assert ledger.decisions_count() == 64
    ledger.close()


def test_a_budget_of_1000_holds_for_5000_connections_at_once(url: str) -> None:
    open_ledger(url, lambda: 1).close()
    outcomes = Counter[Outcome]()
    for found in hammer.run(hammer.connect, url, 1_250, 1_000):
        outcomes.update(found)
    assert outcomes == {Outcome.ACCEPTED: 1_000, Outcome.OVER_BUDGET: 4_000}
    ledger = open_ledger(url, lambda: 1)
    assert ledger.connections_by_offer() == {hammer.PROMO: 1_000}
    assert ledger.position() == 1_000
    ledger.close()
