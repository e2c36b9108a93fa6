"""Budgets: so many connections of an offer in all, held for those it is shown to, never given away twice."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.fakes.ledger import FakeLedger
from tests.storage.conftest import NOW
from tests.storage.records import a_table, an_event
from tests.storage.test_past import MINUTE, showing

from mia.domain.decision import Decision
from mia.domain.event import Event, EventKind, Outcome
from mia.domain.past import Past
from mia.ports import Proposal
from mia.storage.ledger import SqlLedger, open_ledger

ACCEPTED, DUPLICATE, OVER = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.OVER_BUDGET
AnyLedger = FakeLedger | SqlLedger


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(ledger: AnyLedger) -> Clock:
    found = Clock()
    if isinstance(ledger, SqlLedger):
        ledger.database.clock = found
    return found


def move(ledger: AnyLedger, clock: Clock, to: int) -> None:
    clock.now = to
    if isinstance(ledger, FakeLedger):
        ledger.now = to


def a_connection(event_id: str, subscriber_id: str = "s1", offer_id: str = "promo") -> Event:
    return an_event(
        event_id, subscriber_id=subscriber_id, offer_id=offer_id, kind=EventKind.CONNECTION, decision_id=None
    )


def connect(ledger: AnyLedger, budget: int, *events: Event) -> list[Outcome]:
    return ledger.commit([events], [], {"promo": budget})[0][0]


def show(ledger: AnyLedger, subscriber_id: str, budget: int, at: int = NOW) -> list[str]:
    """What of the promotion, if there is any left, and of another offer is shown to a subscriber."""
    budgets = {"promo": budget}

    def taken(past: Past | None) -> Decision:
        assert past is not None
        left = [] if "promo" in past.exhausted else ["promo"]
        name = f"{subscriber_id} {ledger.decisions_count()} {at}"
        return showing(name, *left, "music", on=past, at=at, subscriber_id=subscriber_id)

    past = ledger.past(subscriber_id, at=at, budgets=budgets)
    (stood,) = ledger.commit([], [Proposal(taken(past), taken)], budgets)[1]
    assert isinstance(stood, Decision)
    return [offer.offer_id for offer in stood.offers]


def test_connections_beyond_the_budget_are_not_kept(ledger: AnyLedger) -> None:
    batch = [a_connection(f"e{number}", f"s{number}") for number in range(4)]
    assert connect(ledger, 2, *batch, a_connection("e0", "s0")) == [ACCEPTED, ACCEPTED, OVER, OVER, DUPLICATE]
    assert ledger.events()["event_id"].to_pylist() == ["e0", "e1"]
    assert connect(ledger, 2, batch[0], batch[2]) == [DUPLICATE, OVER]
    other = a_connection("other", offer_id="music")
    assert connect(ledger, 2, other, an_event("shown", offer_id="promo")) == [ACCEPTED, ACCEPTED]
    # What was turned away may come again when there is more.
    assert connect(ledger, 3, batch[2], batch[3]) == [ACCEPTED, OVER]


def test_loads_are_facts_and_count(ledger: AnyLedger) -> None:
    history = [a_connection(f"e{number}", f"s{number}") for number in range(3)]
    assert ledger.load_events(a_table([*history, an_event("x", offer_id="promo")])) == (4, 0, [])
    assert ledger.load_events(a_table(history)) == (0, 3, [])
    assert connect(ledger, 3, a_connection("late")) == [OVER]
    assert ledger.past("s9", at=NOW, budgets={"promo": 3}).exhausted == {"promo"}
    assert ledger.past("s9", at=NOW, budgets={"promo": 4}).exhausted == frozenset()
    assert connect(ledger, 4, a_connection("late")) == [ACCEPTED]


def test_what_is_shown_is_held_for_who_sees_it(ledger: AnyLedger, clock: Clock) -> None:
    move(ledger, clock, NOW)
    assert show(ledger, "s1", 2) == ["promo", "music"]
    assert show(ledger, "s2", 2) == ["promo", "music"]
    assert show(ledger, "s3", 2) == ["music"]
    assert show(ledger, "s1", 2) == ["promo", "music"]
    assert connect(ledger, 2, a_connection("c3", "s3")) == [OVER]
    assert connect(ledger, 2, a_connection("c1", "s1")) == [ACCEPTED]
    assert connect(ledger, 2, a_connection("again", "s1")) == [OVER]
    # Silence frees the place of the second one, which the third one takes.
    move(ledger, clock, NOW + 15 * MINUTE)
    assert ledger.past("s3", at=clock.now, budgets={"promo": 2}).exhausted == frozenset()
    assert show(ledger, "s3", 2, at=clock.now) == ["promo", "music"]
    assert connect(ledger, 2, a_connection("c2", "s2"), a_connection("c3", "s3")) == [OVER, ACCEPTED]
    assert ledger.connections_by_offer()["promo"] == 2


def test_the_last_one_is_shown_once_in_one_commit(ledger: AnyLedger, clock: Clock) -> None:
    move(ledger, clock, NOW)
    seen: list[Past | None] = []

    def again(past: Past | None) -> Decision:
        seen.append(past)
        return showing("again", "music", on=past, at=NOW, subscriber_id="s2")

    proposals = [
        Proposal(showing(f"d{number}", "promo", at=NOW, subscriber_id=f"s{number}"), again) for number in (1, 2)
    ]
    answers = ledger.commit([], proposals, {"promo": 1})[1]
    assert [[offer.offer_id for offer in one.offers] for one in answers] == [["promo"], ["music"]]
    assert [past.exhausted for past in seen if past] == [{"promo"}]


def test_counts_stay_what_events_say(sql_ledger: SqlLedger) -> None:
    sql_ledger.load_events(a_table([a_connection("a"), a_connection("b", offer_id="music")]))
    sql_ledger.append_events([a_connection("c"), a_connection("c"), an_event("d")])
    with sql_ledger.database.reading() as connection:
        kept = connection.execute(text("SELECT offer_id, connections, held FROM offer_counts ORDER BY offer_id")).all()
    assert [tuple(row) for row in kept] == [("music", 1, 0), ("promo", 2, 0)]


STEPS = st.lists(st.tuples(st.sampled_from(["show", "connect", "wait"]), st.integers(0, 3)), max_size=25)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 3))
def test_never_more_than_there_is(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, steps: list[tuple[str, int]], budget: int
) -> None:
    file = tmp_path_factory.mktemp("budget") / "ledger.db"
    file.write_bytes(migrated_file.read_bytes())
    clock = Clock()
    fake, real = FakeLedger(), open_ledger(f"sqlite:///{file}", clock)
    fake.now = clock.now
    holders: dict[int, int] = {}
    for place, (step, who) in enumerate(steps):
        if step == "wait":
            clock.now = fake.now = clock.now + 6 * MINUTE
        elif step == "show":
            answers = [show(ledger, f"s{who}", budget, at=clock.now) for ledger in (fake, real)]
            assert answers[0] == answers[1]
            if "promo" in answers[0]:
                holders[who] = clock.now + 15 * MINUTE
        else:
            outcomes = [connect(ledger, budget, a_connection(f"e{place}", f"s{who}")) for ledger in (fake, real)]
            assert outcomes[0] == outcomes[1]
            # Whom it was shown to, and who has not waited for too long, gets it.
            if holders.pop(who, 0) > clock.now:
                assert outcomes[0] == [ACCEPTED]
        assert real.connections_by_offer().get("promo", 0) <= budget
    real.close()
