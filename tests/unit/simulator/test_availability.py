from datetime import date

import numpy as np
import pytest

from mia.simulator.availability import find_available
from mia.simulator.catalogue import arrange_offers
from mia.simulator.lifestyles import CHANNELS
from mia.simulator.population import REGION_NAMES
from mia.timeline import day_of


def offer(name, **fields):
    return {"id": name, "category": "c", "kind": "pack", **fields}


OFFERS = arrange_offers(
    [
        offer("plain"),
        offer("late", valid_from=date(2021, 3, 1), valid_to=date(2021, 3, 31)),
        offer("app_only", channels=["app"]),
        offer("urals", regions=["Kurgan"]),
        offer("heavy", eligible_if=[{"data_mb_30d": {"gt": 2_000, "le": 9_000}}, {"tariff": {"ne": "max"}}]),
        offer("follow", requires=["plain"]),
        offer("rival", excludes=["plain"]),
        offer("young", eligible_if=[{"birth_year": {"between": [1990, 2000]}}, {"device_class": {"in": ["budget"]}}]),
    ]
)
START = {"day": date(2021, 2, 1), "channel": "web", "region": "Moscow", "data": 100.0, "tariff": "start", "born": 1970}


def available(*, connected=(), resting=(), device="basic", **changes):
    case = START | changes
    mask = find_available(
        OFFERS,
        {
            "data_mb_30d": np.array([case["data"]]),
            "tariff": np.array([case["tariff"]]),
            "birth_year": np.array([case["born"]]),
            "device_class": np.array([device]),
        },
        regions=np.array([REGION_NAMES.index(case["region"])]),
        channels=np.array([CHANNELS.index(case["channel"])]),
        days=np.array([day_of(case["day"])]),
        connected=np.array([[name in connected for name in OFFERS.ids]]),
        resting=np.array([[name in resting for name in OFFERS.ids]]),
    )
    return {name for name, there in zip(OFFERS.ids, mask[0], strict=True) if there}


@pytest.mark.parametrize(
    ("changes", "more", "less"),
    [
        ({}, set(), set()),
        ({"day": date(2021, 3, 1)}, {"late"}, set()),
        ({"day": date(2021, 3, 31)}, {"late"}, set()),
        ({"day": date(2021, 4, 1)}, set(), set()),
        ({"channel": "app"}, {"app_only"}, set()),
        ({"region": "Kurgan"}, {"urals"}, set()),
        ({"data": 2_000.0}, set(), set()),
        ({"data": 9_000.0}, {"heavy"}, set()),
        ({"data": 5_000.0, "tariff": "max"}, set(), set()),
        ({"connected": {"plain"}}, {"follow"}, {"plain", "rival"}),
        ({"resting": {"plain"}}, set(), {"plain"}),
        ({"born": 1990, "device": "budget"}, {"young"}, set()),
        ({"born": 1989, "device": "budget"}, set(), set()),
        ({"born": 1990}, set(), set()),
    ],
)
def test_each_rule_opens_and_closes_its_offers(changes, more, less):
    assert available(**changes) == ({"plain", "rival"} | more) - less
