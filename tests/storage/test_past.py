"""What counts of a subscriber when a decision is taken, and whether it still does when the decision is committed."""

from dataclasses import replace
from typing import Any

from tests.fakes.ledger import FakeLedger
from tests.storage.records import a_decision, an_event

from mia.domain.decision import Decision, RankedOffer
from mia.domain.event import EventKind, Response
from mia.domain.past import Past
from mia.errors import MiaError, StaleDecision
from mia.ports import Ledger, Proposal
from mia.storage.ledger import SqlLedger
from mia.storage.ledger.standing import RETAKES

AT = a_decision().request.at
MINUTE = 60_000_000
LATER = AT + 15 * MINUTE


def showing(decision_id: str, *offer_ids: str, on: Past | None = None, at: int = AT, **changes: Any) -> Decision:
    """A decision that was taken on this past."""
    known = on or Past()
    offers = tuple(RankedOffer(one, place, 0.5, 1.0, 1.0) for place, one in enumerate(offer_ids, 1))
    fields = {
        "ledger_position": known.position,
        "decision_position": known.decision_position,
        "reserved_until": at + 15 * MINUTE,
        "offers": offers,
    }
    decision = a_decision(decision_id, **(fields | changes))
    return replace(decision, request=replace(decision.request, at=at))


def shown(event_id: str, decision_id: str, offer_id: str, **changes: Any) -> Any:
    return an_event(event_id, decision_id=decision_id, offer_id=offer_id, occurred_at=AT, **changes)


def an_impression(offer_id: str, at: int = AT) -> Response:
    return Response(offer_id, EventKind.IMPRESSION, at, "app")


def test_nothing_is_known_of_a_stranger(ledger: Ledger) -> None:
    assert ledger.past("s1", at=AT) == Past()


def test_a_decision_keeps_its_places_until_they_are_confirmed_or_time_is_over(ledger: Ledger) -> None:
    ledger.append_decisions([showing("d1", "music", "video"), showing("d2", "music", subscriber_id="s2")])
    kept = ledger.past("s1", at=AT + MINUTE)
    assert kept.reserved == (an_impression("music"), an_impression("video"))
    assert kept.decision_position == 1
    assert (kept.position, kept.responses) == (0, ())
    ledger.append_events([shown("e1", "d1", "music"), shown("e2", "d1", "video", kind=EventKind.CLICK)])
    confirmed = ledger.past("s1", at=AT + MINUTE)
    assert confirmed.reserved == (an_impression("video"),)
    assert confirmed.responses == (an_impression("music"), Response("video", EventKind.CLICK, AT, "app"))
    assert confirmed.position == ledger.position()
    assert ledger.past("s1", at=LATER).reserved == ()
    assert ledger.past("s1", at=LATER).decision_position == 0
    assert ledger.past("s1", at=AT + MINUTE, upto=(0, 1)) == kept
    assert ledger.past("s1", at=AT, upto=(0, 0)) == Past()


def test_many_are_each_one_alone(ledger: Ledger) -> None:
    ledger.append_decisions(
        [
            showing("d1", "music", "video"),
            showing("d2", "music", subscriber_id="s2", at=AT + MINUTE),
            showing("d3", "promo", at=AT + 2 * MINUTE),
        ]
    )
    ledger.append_events(
        [
            shown("e1", "d1", "music"),
            an_event("e2", subscriber_id="s2", occurred_at=AT, offer_id="promo", kind=EventKind.CONNECTION),
            an_event("e3", subscriber_id="s1", occurred_at=AT - MINUTE, offer_id="video", decision_id=None),
        ]
    )
    asked = [("s1", AT), ("nobody", AT), ("s2", LATER), ("s1", LATER + MINUTE), ("s1", LATER + 9 * MINUTE)]
    budgets = {"promo": 1, "music": 5}
    found = ledger.pasts(asked, budgets=budgets)
    assert found == [ledger.past(one, at=at, budgets=budgets) for one, at in asked]
    assert [len(past.reserved) for past in found] == [2, 0, 1, 1, 0]
    assert [past.exhausted for past in found] == [frozenset({"promo"})] * len(asked)


def test_times_of_a_clock_that_is_ahead_count_as_now(ledger: Ledger) -> None:
    ledger.append_decisions([showing("d1", "music", at=AT + MINUTE)])
    ledger.append_events([an_event("e1", occurred_at=AT + 2 * MINUTE, offer_id="video", decision_id=None)])
    contacts = ledger.past("s1", at=AT).contacts(AT)
    assert contacts == [an_impression("music"), an_impression("video")]


class Retaking:
    """Takes decisions anew, and remembers what on."""

    def __init__(self, *offer_ids: str) -> None:
        self.offer_ids, self.pasts = offer_ids, list[Past | None]()

    def __call__(self, past: Past | None) -> Decision:
        self.pasts.append(past)
        return showing(f"{id(self)} {len(self.pasts)}", *self.offer_ids, on=past)


def commit(ledger: FakeLedger | SqlLedger, *proposals: Proposal) -> list[Decision | MiaError]:
    return ledger.commit([], proposals)[1]


def test_a_decision_that_nothing_overtook_stands(ledger: FakeLedger | SqlLedger) -> None:
    ledger.append_events([an_event("e1"), an_event("other", subscriber_id="s2")])
    ledger.append_decisions([showing("d1", "music")])
    past = ledger.past("s1", at=AT)
    # What others do, and places that are free again, overtake nobody.
    ledger.append_events([an_event("e2", subscriber_id="s2")])
    ledger.append_decisions([showing("d2", "music", subscriber_id="s2"), showing("d3", "music", reserved_until=AT)])
    again = Retaking()
    proposed = showing("d4", "video", on=past)
    assert commit(ledger, Proposal(proposed, again)) == [proposed]
    assert again.pasts == []


def test_what_was_overtaken_is_taken_anew_on_what_is_there(ledger: FakeLedger | SqlLedger) -> None:
    for number, overtake in enumerate(
        (
            lambda: ledger.append_events([an_event("e1", kind=EventKind.DECLINE)]),
            lambda: ledger.append_decisions([showing("d1", "music")]),
        )
    ):
        past = ledger.past("s1", at=AT)
        overtake()
        again = Retaking("video")
        (stood,) = commit(ledger, Proposal(showing(f"old {number}", "films", on=past), again))
        expected = ledger.past("s1", at=AT, upto=(stood.ledger_position, stood.decision_position))
        assert again.pasts == [expected]
        assert expected.position == ledger.position()
        assert stood.offers[0].offer_id == "video"
        assert ledger.decision(stood.decision_id) == stood
        ledger.append_events([shown(f"seen {number}", stood.decision_id, "video")])


def test_decisions_of_one_subscriber_in_one_commit_know_of_each_other(ledger: FakeLedger | SqlLedger) -> None:
    again = Retaking("video")
    proposals = [Proposal(showing(f"d{number}", "music"), again) for number in range(3)]
    answers = ledger.commit([[an_event("e1", subscriber_id="s2")]], proposals)[1]
    assert [one.offers[0].offer_id for one in answers] == ["music", "video", "video"]
    assert [[one.offer_id for one in past.reserved] for past in again.pasts] == [["music"], ["music", "video"]]
    assert ledger.decisions_count() == 3


def test_an_event_of_the_same_commit_counts(ledger: FakeLedger | SqlLedger) -> None:
    again = Retaking("video")
    ledger.commit([[an_event("e1")]], [Proposal(showing("d1", "music"), again)])
    assert [len(past.responses) for past in again.pasts] == [1]


def test_a_repeated_request_gets_its_answer_however_old(ledger: FakeLedger | SqlLedger) -> None:
    again = Retaking()
    first = showing("d1", "music")
    asked = [replace(first, decision_id=f"d{n}", request=replace(first.request, request_id="r1")) for n in (1, 2)]
    assert commit(ledger, Proposal(asked[0], again)) == [asked[0]]
    assert commit(ledger, Proposal(asked[1], again)) == [asked[0]]
    assert again.pasts == []


def test_one_commit_takes_only_so_many_anew(sql_ledger: SqlLedger) -> None:
    again = Retaking("video")
    answers = commit(sql_ledger, *(Proposal(showing(f"d{n}", "music"), again) for n in range(RETAKES + 5)))
    assert [isinstance(answer, StaleDecision) for answer in answers] == [False] * (RETAKES + 1) + [True] * 4
    assert sql_ledger.decisions_count() == RETAKES + 1
