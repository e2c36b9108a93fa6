from dataclasses import replace

import numpy as np
import pytest

from mia.simulator.lifestyles import APPS, CHANNELS
from mia.simulator.needs import find_needs
from mia.simulator.response import CATEGORY_DRIVERS

ROWS = np.arange(300)


@pytest.fixture
def ask(world):
    """Mean utility of an offer for the same people with some traits changed."""

    def mean(offer, **traits):
        people = replace(
            world.people, **{name: np.full_like(getattr(world.people, name), value) for name, value in traits.items()}
        )
        days = np.full(len(ROWS), world.scenario.first_day + 40)
        needs = find_needs(world.scenario, people, ROWS, days)
        return world.response.utilities(people, ROWS, needs)[:, world.offers.ids.index(offer)].mean()

    return mean


@pytest.mark.parametrize(
    ("offer", "trait", "low", "high"),
    [
        ("data_15", "data_mb", 2_000.0, 30_000.0),
        ("minutes_300", "voice_minutes", 20.0, 600.0),
        ("sms_300", "sms", 0.1, 20.0),
        ("trade_in", "device_age", 6, 60),
        ("family_group", "family", 0.0, 1.0),
        ("fee_minus_20", "thrift", -0.5, 1.2),
        ("data_night", "owl", 0.0, 0.5),
        ("abroad_calls", "abroad", 0.0, 0.3),
        ("roam_country", "away", 0, 1),
        ("roam_world_pack", "away", 0, 2),
        ("books_month", "contents", 0.0, 2.0),
        ("music_month", "responsiveness", -1.0, 1.0),
    ],
)
def test_needs_move_people_towards_what_meets_them(ask, offer, trait, low, high):
    assert ask(offer, **{trait: high}) > ask(offer, **{trait: low}) + 0.5


@pytest.mark.parametrize(
    ("offer", "trait", "low", "high"),
    [
        ("tariff_max", "thrift", -0.5, 1.2),
        ("sell_data", "data_mb", 1_000.0, 60_000.0),
        ("guide_seniors", "born", 1940, 1999),
    ],
)
def test_and_away_from_what_does_not(ask, offer, trait, low, high):
    assert ask(offer, **{trait: high}) < ask(offer, **{trait: low}) - 0.5


def test_who_watches_wants_video(world, ask):
    watching = np.eye(len(APPS))[APPS.index("video")] * 0.93 + 0.01
    chatting = np.eye(len(APPS))[APPS.index("messenger")] * 0.93 + 0.01
    assert ask("unlim_video", apps=watching) > ask("unlim_video", apps=chatting) + 0.8
    assert ask("unlim_messenger", apps=watching) < ask("unlim_messenger", apps=chatting) - 0.8


def test_later_positions_and_colder_channels_connect_less(world):
    utilities = np.full(3, -2.0)
    by_position = world.response.acceptance(utilities, np.zeros(3, int), np.array([1, 2, 3]))
    assert (np.diff(by_position) < 0).all()
    codes = np.array([CHANNELS.index("call_centre"), CHANNELS.index("web"), CHANNELS.index("vk")])
    assert (np.diff(world.response.acceptance(utilities, codes, np.ones(3, int))) < 0).all()


def test_every_category_of_the_catalogue_has_its_drivers(world):
    assert set(world.offers.categories) <= set(CATEGORY_DRIVERS)
