"""A rotated key has two secrets for a while."""

import hashlib

import pytest

from mia.errors import InvalidInput
from mia.storage.ledger import SqlKeys, open_ledger


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path, clock: Clock):
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    yield SqlKeys(ledger.database)
    ledger.close()


def test_the_old_secret_passes_until_its_grace_is_over(keys: SqlKeys, clock: Clock) -> None:
    old = keys.create("app", ["offers", "events"])
    new = keys.rotate("app", grace=500)
    assert new != old
    live = keys.live()
    assert set(live) == {digest(old), digest(new)}
    assert {key.scopes for key in live.values()} == {frozenset({"offers", "events"})}
    assert (live[digest(old)].revoked_at, live[digest(new)].revoked_at) == (1_500, None)
    assert live[digest(old)].is_live(1_499)
    assert not live[digest(old)].is_live(1_500)
    clock.now = 1_500
    assert set(keys.live()) == {digest(new)}


def test_revoking_ends_every_secret_at_once(keys: SqlKeys) -> None:
    keys.create("app", ["offers"])
    keys.rotate("app", grace=500)
    keys.rotate("app", grace=500)
    assert len(keys.live()) == 3
    keys.revoke("app")
    assert keys.live() == {}
    assert [key.revoked_at for key in keys.all()] == [1_000] * 3


def test_without_grace_the_old_secret_ends_at_once(keys: SqlKeys) -> None:
    keys.create("app", ["offers"])
    new = keys.rotate("app", grace=0)
    assert set(keys.live()) == {digest(new)}


def test_what_is_not_there_cannot_be_rotated(keys: SqlKeys) -> None:
    with pytest.raises(InvalidInput, match="no live key 'app'"):
        keys.rotate("app", grace=1)
