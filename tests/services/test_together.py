"""Requests that are decided together are answered as if each were alone, and fail alone."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.fakes.policies import a_policy
from tests.fakes.world import NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback
from mia.domain.event import Event, EventKind
from mia.domain.offer import Language, Limits
from mia.domain.policy import Policy
from mia.offers.catalogue import Catalogue
from mia.ports import Proposal
from mia.ranking.pairs import Pairs
from mia.services.decide import DecisionMaker, LiveLoader, Newcomers
from mia.timeline import DAY_SECONDS, MICROSECONDS

HOUR = 3_600 * MICROSECONDS
DAY = DAY_SECONDS * MICROSECONDS
POLICY = a_policy(
    exploration={"policy": "plackett-luce", "epsilon": 0.5, "temperature": 0.3},
    caps=[
        {"per": "offer", "at_most": 1, "within_days": 30},
        {"per": "category", "at_most": 4, "within_days": 30},
        {"per": "channel", "at_most": 9, "within_days": 30},
    ],
)
ONCE = a_policy(exploration={"epsilon": 0.0}, caps=[{"per": "offer", "at_most": 1, "within_days": 30}])
CHANNELS = ("app", "web", "call_centre", "whatsapp")


def objects(*values: Any) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


COME = Newcomers(
    {"new1": 0, "new2": 1, "nowhere": 2},
    {"region": objects("Kurgan", None, "Kurgan"), "timezone": objects(None, "Asia/Omsk", "Not/AZone")},
)


def maker_of(opened: Workspace, policy: Policy = POLICY) -> DecisionMaker:
    """Each one gives the same ids to the same requests, and so the same seeds."""
    numbers = count(1)

    def catalogue(version: str) -> Catalogue:
        first, second, *others = opened.catalogue(version).offers
        return Catalogue(version, (replace(first, limits=Limits(total=2)), replace(second, limits=Limits(1)), *others))

    return DecisionMaker(
        ledger=opened.ledger,
        loader=LiveLoader(catalogue, opened.ranker, opened.profiles, lambda _: policy),
        newest=opened.newest_versions,
        arms=opened.arms,
        regions=opened.regions,
        default_timezone="UTC",
        clock=lambda: NOON,
        new_id=lambda: f"d{next(numbers)}",
        reservation=15 * 60 * MICROSECONDS,
        newcomers=lambda _: COME,
    )


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("together"))))
    offers = [offer.id for offer in found.current_offers()]
    kinds = (EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONNECTION, EventKind.DECLINE, EventKind.IMPRESSION)
    found.ledger.append_events(
        [
            an_event(f"e{one}-{place}", one, offers[(number + 3 * place) % len(offers)], kind, NOON - (place + 1) * DAY)
            for number, one in enumerate(known(found)[:20])
            for place, kind in enumerate(kinds[: 1 + number % 5])
        ]
    )
    yield found
    found.close()


def an_event(event_id: str, subscriber_id: str, offer_id: str, kind: EventKind, at: int) -> Event:
    return Event(event_id, at, subscriber_id, offer_id, kind, "web", at // DAY, "mia")


def known(opened: Workspace) -> list[str]:
    return [row["subscriber_id"] for row in pq.read_table(opened.lake.paths("subscribers")).to_pylist()]


def mixed(opened: Workspace) -> list[DecisionRequest]:
    """Fifty requests of all sorts: two of one subscriber, one that comes again, and people of whom little is known."""
    rows = pq.read_table(opened.lake.paths("subscribers")).to_pylist()
    out = [row["subscriber_id"] for row in rows if not row["personalisation"]]
    ids = [*known(opened)[:36], *out[:3], "nobody", "new1", "nobody", "new2", "", "абонент"]
    ids += ["s-none"] * (50 - 3 - len(ids))
    requests = [
        DecisionRequest(
            one,
            CHANNELS[number % 4] if number % 3 else "app",
            NOON + number * HOUR // 2,
            placement=(None, "top", "bottom")[number % 3],
            limit=1 + number % 5,
            language=(Language.RU, Language.EN)[number % 2],
            context=({}, {"balance": 12.5 * number, "page": "home"}, {"data_left_mb": number})[number % 3],
            region=(None, "Kurgan")[number % 2],
        )
        for number, one in enumerate(ids)
    ]
    repeated = replace(requests[1], request_id="again")
    return [*requests, repeated, replace(repeated, context={"page": "other"}), requests[0]]


def decisions_of(found: list[Proposal | Exception]) -> list[Decision]:
    assert all(isinstance(one, Proposal) for one in found)
    return [one.decision for one in found if isinstance(one, Proposal)]


def require_same(mine: list[Decision], other: list[Decision]) -> None:
    assert mine == other
    for one, another in zip(mine, other, strict=True):
        assert (one.stages, dict(one.dropped)) == (another.stages, dict(another.dropped))


def test_each_is_answered_as_if_it_were_alone(opened: Workspace) -> None:
    requests, alone, maker = mixed(opened), maker_of(opened), maker_of(opened)
    assert len(requests) == 50
    together = decisions_of(maker.propose(requests))
    require_same(together, [alone.decide(request) for request in requests])
    found = {one.fallback for one in together}
    assert {None, Fallback.UNKNOWN_SUBSCRIBER, Fallback.OPTED_OUT, Fallback.NO_PROFILE} <= found
    assert {one.arm for one in together} == {"mia", "control"}
    assert {one.explored for one in together} == {True, False}
    assert sum(bool(offer.reasons) for one in together for offer in one.offers) > 20
    assert len({rule for one in together for rule in dict(one.dropped).values()}) > 5


def test_what_came_of_a_group_is_kept_and_rebuilt(opened: Workspace) -> None:
    maker, requests = maker_of(opened, ONCE), mixed(opened)
    proposals = [one for one in maker.propose(requests) if isinstance(one, Proposal)]
    kept = opened.ledger.commit([], proposals, maker.budgets)[1]
    stood = [one for one in kept if isinstance(one, Decision)]
    assert len(stood) == 50
    first, again = stood[47:49]
    assert (first.request.request_id, again) == ("again", first)
    # Both of one subscriber rested on the same moment, and the cap holds all the same.
    one, other = stood[0], stood[49]
    assert one.request == other.request
    assert one.offers
    assert {offer.offer_id for offer in one.offers}.isdisjoint(offer.offer_id for offer in other.offers)
    for decision in stood:
        assert maker.replay(decision.decision_id).differences == ()


def test_one_that_cannot_be_answered_fails_alone(opened: Workspace) -> None:
    maker, alone, people = maker_of(opened), maker_of(opened), known(opened)[:5]
    requests = [DecisionRequest(one, "app", NOON) for one in (*people[:2], "nowhere", *people[2:])]
    first, second, failed, *others = maker.propose(requests)
    assert isinstance(failed, Exception)
    # A group of which one fails is taken again one by one, by further ids.
    for _ in requests:
        alone._new_id()
    expected = alone.propose(requests[:2])
    alone._new_id()
    require_same(decisions_of([first, second, *others]), decisions_of([*expected, *alone.propose(requests[3:])]))


class Picky:
    """A model that refuses or cannot score one subscriber, and cannot explain another."""

    def __init__(self, model: Any, hated: str, unspoken: str, *, is_nan: bool) -> None:
        self._model, self._hated, self._unspoken, self._is_nan = model, hated, unspoken, is_nan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def score(self, pairs: Pairs) -> np.ndarray:
        scores = self._model.score(pairs)
        mine = pairs.profiles.subscriber_ids[pairs.rows] == self._hated
        if not self._is_nan and mine.any():
            raise RuntimeError("not this one")
        return np.where(mine, np.nan, scores)

    def contributions(self, pairs: Pairs, which: np.ndarray) -> np.ndarray:
        if (pairs.profiles.subscriber_ids[pairs.rows[which]] == self._unspoken).any():
            raise RuntimeError("no words")
        return np.asarray(self._model.contributions(pairs, which))


@pytest.mark.parametrize("is_nan", [True, False])
def test_one_that_cannot_be_scored_falls_back_alone(opened: Workspace, is_nan: bool) -> None:
    maker, sound = maker_of(opened), maker_of(opened)
    people = [one for one in known(opened)[:40] if sound.decide(DecisionRequest(one, "app", NOON)).arm == "mia"]
    sound = maker_of(opened)
    requests = [DecisionRequest(one, "app", NOON) for one in people[:12]]
    expected = [sound.decide(request) for request in requests]
    personal = [place for place, one in enumerate(expected) if one.fallback is None and one.offers]
    bad, mute = personal[1], personal[3]
    model = Picky(maker.live.model, people[bad], people[mute], is_nan=is_nan)
    maker._force.live = replace(maker.live, model=model)
    found = decisions_of(maker.propose(requests))
    assert found[bad].fallback is Fallback.MODEL_FAILED
    assert [offer.reasons for offer in found[mute].offers] == [()] * len(found[mute].offers)
    expected[bad] = found[bad]
    expected[mute] = replace(
        expected[mute], offers=tuple(replace(offer, reasons=()) for offer in expected[mute].offers)
    )
    require_same(found, expected)


def test_the_more_offers_the_fewer_are_decided_together(opened: Workspace) -> None:
    maker = maker_of(opened)
    few = maker.together
    offers = tuple(replace(maker.catalogue.offers[0], id=f"o{number}") for number in range(5_000))
    maker._force.live = replace(maker.live, catalogue=Catalogue("large", offers))
    assert (few, maker.together) == (64, 1)
