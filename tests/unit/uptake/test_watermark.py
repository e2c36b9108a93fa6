"""Up to when events have arrived."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.timeline import date_of, epoch_micros
from mia.uptake.watermark import HOUR, Arrivals, arrived_day, extend_arrivals


def arrivals(*commits: list[int], cut: tuple[int, ...] = ()) -> Arrivals:
    """Commits of events at some hours, read in pieces that end at the places `cut`."""
    recorded = np.array([number for number, commit in enumerate(commits) for _ in commit], np.int64)
    hours = np.array([hour for commit in commits for hour in commit], np.int64) * HOUR
    known, bounds = Arrivals(), [0, *sorted(cut), len(hours)]
    for start, end in pairwise(bounds):
        known = extend_arrivals(known, recorded[start:end], hours[start:end])
    return known


def test_events_of_one_commit_are_not_late_however_they_are_ordered() -> None:
    assert dict(arrivals([100, 3, 50]).late) == {0: 3}


def test_an_event_is_late_by_how_far_it_lies_behind_earlier_commits() -> None:
    assert dict(arrivals([10], [30, 4], [29]).late) == {0: 2, 6: 1, 1: 1}


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=5),
    st.lists(st.integers(0, 20), max_size=4),
)
def test_in_how_many_pieces_it_is_read_changes_nothing(commits: list[list[int]], cuts: list[int]) -> None:
    size = sum(map(len, commits))
    assert arrivals(*commits, cut=tuple(min(cut, size) for cut in cuts)) == arrivals(*commits)


def test_exceptions_and_history_do_not_hold_everything_up() -> None:
    late = Arrivals(late={0: 9_990, 48: 9, 900: 1, 20_000: 5_000})
    assert late.lateness(0.0005, 1_080) == 48
    assert late.lateness(0.0, 1_080) == 900
    assert late.lateness(0.01, 1_080) == 0


@pytest.mark.parametrize(
    ("zone", "newest", "day"),
    [
        ("Europe/Berlin", "2021-03-28T22:00:00+00:00", "2021-03-28"),  # the day of 23 hours
        ("Europe/Berlin", "2021-10-31T22:59:59+00:00", "2021-10-30"),  # the day of 25 hours
        ("Europe/Berlin", "2021-10-31T23:00:00+00:00", "2021-10-31"),
        ("Asia/Vladivostok", "2021-01-31T14:00:00+00:00", "2021-01-31"),
        ("Pacific/Kiritimati", "2021-01-31T10:00:00+00:00", "2021-01-31"),
        ("Etc/GMT+12", "2021-02-01T11:59:59+00:00", "2021-01-30"),
    ],
)
def test_a_day_has_arrived_when_it_ended_there(zone: str, newest: str, day: str) -> None:
    mark = Arrivals(newest=epoch_micros(datetime.fromisoformat(newest)))
    assert date_of(arrived_day(mark, 0, [zone])).isoformat() == day
    everywhere = arrived_day(mark, 0, [zone, "Etc/GMT+12"])
    assert everywhere <= arrived_day(mark, 0, [zone])
    assert arrived_day(mark, 24, ["UTC"]) == arrived_day(mark, 0, ["UTC"]) - 1


@given(st.integers(0, 4_000_000_000), st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Yekaterinburg"]))
def test_the_day_of_the_newest_event_never_has(seconds: int, zone: str) -> None:
    day = arrived_day(Arrivals(newest=seconds * 1_000_000), 0, [zone])
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone)).date()
    assert date_of(day) < local
    assert (local - date_of(day)).days == 1
