"""A world that is lived on: the past stays as it was, and people answer by their hidden probabilities."""

from dataclasses import fields

import numpy as np
import pytest

from mia.errors import UnknownOffer
from mia.simulator.living import LivingMonth, live_month
from mia.simulator.population import Population
from mia.simulator.scenario import Scenario
from mia.simulator.world import build_world
from mia.timeline import DAY_SECONDS, month_start

SCENARIO = Scenario(subscribers=400, months=2, seed=9)
NEXT = SCENARIO.start + SCENARIO.months
SHOWN = ("data_5", "music_month", "roam_country")


@pytest.fixture(scope="module")
def month() -> LivingMonth:
    return live_month(SCENARIO, NEXT)


def test_what_happened_before_stays_as_it_was(month: LivingMonth) -> None:
    then, now = build_world(SCENARIO).people, month.world.people
    for name in (field.name for field in fields(Population)):
        old, new = getattr(then, name), getattr(now, name)
        if name == "left":
            # Who stayed may leave later; who left had left.
            gone = old < month_start(NEXT)
            assert (new[gone] == old[gone]).all()
            assert (new[~gone] >= month_start(NEXT)).all()
        else:
            assert (new[..., : old.shape[-1]] == old).all(), name
    assert live_month(SCENARIO, NEXT + 2).world.scenario.founded == SCENARIO
    assert SCENARIO.through(NEXT).through(NEXT + 1) == SCENARIO.through(NEXT + 1)


def test_people_come_by_time_within_the_month_while_they_are_subscribers(month: LivingMonth) -> None:
    people, day = month.world.people, month.second // DAY_SECONDS
    assert len(month) > 300
    assert (np.diff(month.at) >= 0).all()
    assert (day >= month.month.days[0]).all()
    assert (day <= month.month.days[-1]).all()
    assert (day >= people.activated[month.row]).all()
    assert (day < people.left[month.row]).all()


def test_the_same_visit_answers_the_same_offers_alike(month: LivingMonth) -> None:
    assert month.answer(3, "d", SHOWN) == live_month(SCENARIO, NEXT).answer(3, "d", SHOWN)
    first = month.answer(3, "d", SHOWN)
    assert [(one.offer_id, one.position) for one in first if one.kind == "impression"] == [
        (offer_id, place) for place, offer_id in enumerate(SHOWN, start=1)
    ]
    assert [one.at for one in first] == sorted(one.at for one in first)
    assert first[0].at == month.at[3]
    assert month.answer(3, "d", ()) == []


def test_connections_come_as_often_as_the_truth_says(month: LivingMonth) -> None:
    visits = range(len(month))
    connected = np.array(
        [[one.kind for one in month.answer(visit, "d", SHOWN)].count("connection") for visit in visits]
    )
    places = np.array([month.world.offers.ids.index(offer_id) for offer_id in SHOWN])
    truth = np.stack(
        [
            month.world.acceptance(
                month.row,
                np.full(len(month), place),
                month.second // DAY_SECONDS,
                month.channel,
                np.full(len(month), at),
            )
            for at, place in enumerate(places, start=1)
        ]
    )
    spread = np.sqrt((truth * (1 - truth)).sum())
    # Who leaves within two weeks takes a few connections along.
    assert abs(connected.sum() - truth.sum()) < 4 * spread
    assert truth.sum() > 6 * spread


def test_every_event_has_an_id_of_its_own(month: LivingMonth) -> None:
    ids = [one.event_id for visit in range(300) for one in month.answer(visit, "d", SHOWN)]
    assert len(set(ids)) == len(ids)
    assert {one.subscriber_id for one in month.answer(0, "d", SHOWN)} == {month.subscriber_of(0)}


def test_an_offer_of_another_world_has_no_truth(month: LivingMonth) -> None:
    with pytest.raises(UnknownOffer, match="no offer 'fax'"):
        month.answer(0, "d", ("fax",))
