"""Keys at hand: fresh within seconds, there while the database is away, and no lever for whoever guesses."""

import asyncio
import time

import pytest
from tests.fakes.door import Door, FakeClock, FakeKeys

from mia.api.access import FRESH_FOR, KeyRing
from mia.api.access.key_ring import LOOKS_AT_ONCE
from mia.errors import LedgerUnavailable


def find(ring: KeyRing, *secrets: str) -> list[str | None]:
    async def look() -> list[str | None]:
        found = [await ring.find(secret) for secret in secrets]
        return [None if key is None else key.name for key in found]

    return asyncio.run(look())


def test_keys_stay_while_the_database_is_away(door: Door) -> None:
    assert door.get("/v1/uptake", key="uptake").status_code == 200
    door.keys.down = True
    door.clock.now += 100 * FRESH_FOR
    assert door.get("/v1/uptake", key="uptake").status_code == 200
    assert door.get("/v1/uptake", key="nobody").status_code == 401


def test_without_any_look_at_the_keys_the_answer_is_an_honest_503(door: Door) -> None:
    door.keys.down = True
    answer = door.get("/v1/uptake", key="uptake")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    door.keys.down = False
    assert door.get("/v1/uptake", key="uptake").status_code == 200


def test_a_new_key_passes_at_once(door: Door) -> None:
    assert door.get("/v1/uptake", key="uptake").status_code == 200
    door.keys.keys["mia_new"] = frozenset({"uptake"})
    assert door.get("/v1/uptake", key="new").status_code == 200


def test_guessing_asks_the_database_only_so_often() -> None:
    keys = FakeKeys()
    ring = KeyRing(keys, FakeClock())
    assert find(ring, *(f"mia_guess{number}" for number in range(1_000))) == [None] * 1_000
    assert keys.asked == 1 + LOOKS_AT_ONCE
    assert find(ring, "mia_uptake") == ["mia_uptake"]


def test_a_database_that_hangs_holds_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia.api.access.key_ring.PATIENCE_SECONDS", 0.05)
    keys, clock = FakeKeys(), FakeClock()
    ring = KeyRing(keys, clock)

    async def scenario() -> None:
        assert await ring.find("mia_uptake") is not None
        live, keys.live = keys.live, lambda: time.sleep(0.5) or {}
        clock.now += FRESH_FOR
        found = await asyncio.wait_for(asyncio.gather(*(ring.find("mia_uptake") for _ in range(9))), 0.4)
        assert [key.name for key in found] == ["mia_uptake"] * 9
        keys.live = live

    asyncio.run(scenario())


def test_one_look_serves_all_who_wait() -> None:
    keys = FakeKeys()
    ring = KeyRing(keys, FakeClock())

    async def all_at_once() -> None:
        await asyncio.gather(*(ring.find("mia_uptake") for _ in range(50)))

    asyncio.run(all_at_once())
    assert keys.asked == 1


def test_nothing_is_known_of_keys_that_could_never_be_read() -> None:
    keys = FakeKeys()
    keys.down = True
    with pytest.raises(LedgerUnavailable):
        find(KeyRing(keys, FakeClock()), "mia_uptake")
