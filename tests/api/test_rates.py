"""Rate limits of single keys."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.door import Door

from mia.api.access.rates import Bucket
from mia.sections import DoorSettings

MOMENTS = st.lists(st.integers(0, 3_000_000), max_size=200)


def test_each_key_has_a_bucket_of_its_own(door: Door) -> None:
    limited = door.with_settings(DoorSettings(requests_per_second=2, burst=3, rates={"mia_admin": 0}))
    statuses = [limited.get("/v1/uptake", key="uptake").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    answer = limited.get("/v1/uptake", key="uptake")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:mia:problem:too-many-requests"
    assert answer.headers["retry-after"] == "1"
    assert limited.get("/v1/decisions/none", key="admin").status_code == 404
    assert all(limited.get("/v1/uptake", key="admin").status_code == 200 for _ in range(9))
    door.clock.now += 500_000
    assert [limited.get("/v1/uptake", key="uptake").status_code for _ in range(2)] == [200, 429]


def test_by_default_no_key_is_limited(door: Door) -> None:
    assert {door.get("/v1/uptake", key="uptake").status_code for _ in range(250)} == {200}


@given(MOMENTS, st.floats(0.5, 100), st.integers(1, 50))
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(moments: list[int], rate: float, burst: int) -> None:
    bucket, taken = Bucket(rate, burst, 0), []
    for now in sorted(moments):
        wait = bucket.take(now)
        assert wait >= 0
        if not wait:
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            allowed = burst + (taken[last] - taken[first]) * rate / 1e6
            assert last - first + 1 <= allowed + 1e-6


@given(MOMENTS)
def test_a_clock_set_back_neither_fills_nor_empties(moments: list[int]) -> None:
    bucket = Bucket(1.0, 1.0, 10**9)
    assert bucket.take(10**9) == 0
    for now in moments:
        bucket.take(now)
    assert bucket.take(0) > 0
