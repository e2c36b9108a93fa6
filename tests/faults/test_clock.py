"""The clock of the service set back by an hour and forth again: caps, reservations, budgets and replay stay sound.

`FAULT_CLOCK_STEPS` is how often time moves between requests; `make test-faults` asks for 600.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from tests.fakes.callers import hand_in
from tests.fakes.door import FakeClock
from tests.fakes.policies import put_policy
from tests.fakes.postgres import Postgres

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Outcome
from mia.ports import Proposal
from mia.services.record import Recorder
from mia.settings import Settings
from mia.timeline import MICROSECONDS, timestamp_of

STEPS = int(os.environ.get("FAULT_CLOCK_STEPS", "60"))
MINUTE = 60 * MICROSECONDS
HOUR = 60 * MINUTE
CAP, BUDGET, PROMO = 3, 5, "promo"
PEOPLE = [f"p{number}" for number in range(max(3, STEPS // 20))]
OFFERS = f"""offers:
  - {{id: music, name: {{ru: Музыка, en: Music}}, category: music, kind: pack, value: 40}}
  - {{id: data, name: {{ru: Данные, en: Data}}, category: data, kind: pack, value: 90}}
  - {{id: {PROMO}, name: {{ru: Код, en: Code}}, category: gifts, kind: gift, value: 99, limits: {{total: {BUDGET}}}}}
"""


class Operator:
    """A workspace whose clock is moved at will, with one subscriber's requests and events at a time."""

    def __init__(self, opened: Workspace, clock: FakeClock) -> None:
        self.opened, self.clock = opened, clock
        self.recorder = Recorder(opened.decisions, clock, opened.regions)
        self.decided: list[Decision] = []
        self.seen: Counter[tuple[str, str]] = Counter()
        self.connected = self.events = 0

    def decide(self, subscriber_id: str, request_id: str | None = None) -> Decision:
        request = DecisionRequest(subscriber_id, "app", self.clock(), request_id=request_id)
        (proposal,) = self.opened.decisions.propose([request])
        assert isinstance(proposal, Proposal)
        decision = hand_in(self.opened.writer, proposal).result()
        self.decided.append(decision)
        return decision

    def record(self, subscriber_id: str, offer_id: str, kind: str, at: int, decision_id: str | None) -> Outcome | str:
        self.events += 1
        raw: dict[str, Any] = {"event_id": f"e{self.events}", "subscriber_id": subscriber_id, "offer_id": offer_id}
        raw |= {"kind": kind, "channel": "app", "occurred_at": timestamp_of(at).isoformat(), "decision_id": decision_id}
        events, rejected = self.recorder.prepare([raw])
        if rejected:
            return rejected[0].reason
        return self.opened.writer.submit_events(events).result()[0]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def operator(request: pytest.FixtureRequest, tiny_home: Path, tmp_path: Path) -> Iterator[Operator]:
    home, clock, url = copytree(tiny_home, tmp_path / "home"), FakeClock(), None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.fresh("clock")
    opened = open_workspace(Settings(home=home, ledger_url=url), clock)
    (tmp_path / "offers.yaml").write_text(OFFERS, "utf-8")
    opened.ingest(tmp_path / "offers.yaml")
    put_policy(opened, tmp_path, caps=[{"per": "offer", "at_most": CAP, "within_days": 30}])
    yield Operator(opened, clock)
    opened.close()


def test_nothing_is_shown_too_often_or_oversold(operator: Operator) -> None:
    draw, clock = random.Random(7), operator.clock
    positions: list[int] = []
    for _ in range(STEPS):
        clock.now += draw.choice((-HOUR, HOUR, MINUTE, 5 * MINUTE, 20 * MINUTE))
        one = draw.choice(PEOPLE)
        decision = operator.decide(one)
        assert decision.request.at == clock.now
        for offer in decision.offers:
            # Half are really shown, and confirm their places; the places of the others become free with time.
            if draw.random() < 0.5:
                outcome = operator.record(one, offer.offer_id, "impression", clock.now, decision.decision_id)
                assert outcome is Outcome.ACCEPTED
                operator.seen[one, offer.offer_id] += 1
            if offer.offer_id == PROMO and draw.random() < 0.2:
                outcome = operator.record(one, PROMO, "connection", clock.now, decision.decision_id)
                assert outcome is Outcome.ACCEPTED
                operator.connected += 1
        positions.append(operator.opened.ledger.position())
    assert max(operator.seen.values()) == CAP
    assert positions == sorted(positions)
    table = operator.opened.ledger.events()
    assert table["event_id"].to_pylist() == [f"e{number}" for number in range(1, operator.events + 1)]
    assert operator.connected <= BUDGET
    for decision in operator.decided:
        assert operator.opened.decisions.replay(decision.decision_id).differences == ()
    # Nothing that was held leaks away: when all holds are over, what is left of the budget can be connected, no more.
    clock.now += 3 * HOUR
    outcomes = [operator.record(f"late{place}", PROMO, "connection", clock.now, None) for place in range(BUDGET + 3)]
    assert outcomes.count(Outcome.ACCEPTED) == BUDGET - operator.connected
    assert set(outcomes) <= {Outcome.ACCEPTED, Outcome.OVER_BUDGET}
    assert operator.opened.ledger.connections_by_offer()[PROMO] == BUDGET
    sys.stdout.write(f"{STEPS} moves of the clock: {sum(operator.seen.values())} impressions, 0 violations\n")


def test_places_stay_reserved_when_the_clock_goes_back(operator: Operator) -> None:
    clock = operator.clock
    shown = [operator.decide("one").offers for _ in range(CAP)]
    assert all(shown)
    clock.now -= HOUR
    assert operator.decide("one").offers == ()
    clock.now += HOUR + 16 * MINUTE
    assert operator.decide("one").offers


def test_a_request_is_answered_as_before_when_the_clock_went_back(operator: Operator) -> None:
    first = operator.decide("one", "r1")
    operator.clock.now -= HOUR
    assert operator.decide("one", "r1") == first


def test_what_the_clock_takes_for_the_future_is_refused_until_it_is_right(operator: Operator) -> None:
    at = operator.clock.now
    operator.clock.now -= HOUR
    reason = operator.record("one", "music", "click", at, None)
    assert isinstance(reason, str)
    assert reason.startswith("occurred_at")
    operator.clock.now += HOUR
    assert operator.record("one", "music", "click", at, None) is Outcome.ACCEPTED
