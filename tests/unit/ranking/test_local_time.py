from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import profiles

from mia.ranking.local_time import Zones, weekday_of
from mia.ranking.pairs import numbers_of
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text

ZONES = Zones({"Kurgan": "Asia/Yekaterinburg", "Moscow": "Europe/Moscow"}, "America/St_Johns")
NAMES = ["Asia/Yekaterinburg", "Europe/Moscow", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]
YEARS = [day_of_text(text) * DAY_SECONDS for text in ("1975-01-01", "2040-01-01")]
PEOPLE = {
    "region": ["Kurgan", "Moscow", "Atlantis", None, "Kurgan"],
    "timezone": [None, None, None, NAMES[3], NAMES[4]],
}


def test_a_zone_is_the_subscribers_own_or_that_of_the_region_or_the_default():
    assert ZONES.of(profiles(5, attributes=PEOPLE)).tolist() == NAMES
    assert ZONES.of(profiles(2)).tolist() == ["America/St_Johns"] * 2


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(*YEARS)), min_size=1, max_size=30))
def test_training_and_serving_read_the_same_clock(asked):
    """Columns of moments as training has them, and one moment as a decision has it."""
    rows = np.asarray([row for row, _ in asked])
    at = np.asarray([second * MICROSECONDS + 999_999 for _, second in asked])
    found = ZONES.clock(profiles(5, attributes=PEOPLE), rows, at)
    for place, row in enumerate(rows):
        moment = datetime.fromtimestamp(int(at[place]) // MICROSECONDS, ZoneInfo(NAMES[row]))
        expected = numbers_of(moment, {})
        assert {name: float(values[place]) for name, values in found.items()} == expected


def test_nothing_asked_is_nothing_told():
    none = np.zeros(0, np.int64)
    assert {name: values.tolist() for name, values in ZONES.clock(profiles(1), none, none).items()} == {
        "hour": [],
        "weekday": [],
    }


def test_the_weekday_of_a_day():
    assert weekday_of(day_of_text("2021-03-01")) == 0
    assert weekday_of(day_of_text("2021-03-07")) == 6
