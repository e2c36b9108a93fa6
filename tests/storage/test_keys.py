import hashlib

import pytest
from sqlalchemy import select
from tests.storage.conftest import NOW

from mia.errors import InvalidInput
from mia.ports import ApiKey
from mia.storage.ledger import SqlKeys, SqlLedger
from mia.storage.ledger.schema import API_KEYS


@pytest.fixture
def keys(sql_ledger: SqlLedger) -> SqlKeys:
    return SqlKeys(sql_ledger.database)


def found(keys: SqlKeys, secret: str) -> ApiKey | None:
    return keys.live().get(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())


def test_a_secret_opens_its_scopes(keys: SqlKeys) -> None:
    secret = keys.create("app", ["offers", "events", "offers"])
    assert secret.startswith("mia_")
    assert len(secret) == len("mia_") + 32
    assert found(keys, secret) == ApiKey("app", frozenset({"offers", "events"}), NOW)
    assert found(keys, secret + "x") is None
    assert found(keys, "") is None
    assert found(keys, "\ud800") is None


def test_only_the_hash_is_kept(keys: SqlKeys) -> None:
    secret = keys.create("app", ["admin"])
    with keys.database.reading() as connection:
        row = connection.execute(select(API_KEYS)).one()
    assert row.key_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert all(secret not in str(value) for value in row)


def test_a_revoked_key_opens_nothing_and_frees_its_name(keys: SqlKeys) -> None:
    old = keys.create("app", ["offers"])
    keys.revoke("app")
    assert found(keys, old) is None
    new = keys.create("app", ["uptake"])
    assert found(keys, new) == ApiKey("app", frozenset({"uptake"}), NOW)
    assert {(key.name, key.scopes, key.revoked_at) for key in keys.all()} == {
        ("app", frozenset({"offers"}), NOW),
        ("app", frozenset({"uptake"}), None),
    }


def test_names_of_live_keys_are_unique(keys: SqlKeys) -> None:
    keys.create("app", ["offers"])
    with pytest.raises(InvalidInput, match="live key 'app' already"):
        keys.create("app", ["events"])
    assert len(keys.all()) == 1


@pytest.mark.parametrize("scopes", [[], ["offers", "root"]])
def test_scopes_are_a_closed_set(keys: SqlKeys, scopes: list[str]) -> None:
    with pytest.raises(InvalidInput, match="offers, events, uptake, admin") as caught:
        keys.create("app", scopes)
    assert caught.value.parameter == "scope"
    assert keys.all() == []


@pytest.mark.parametrize("name", ["", "  ", "a\0"])
def test_a_key_needs_a_name(keys: SqlKeys, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.create(name, ["offers"])
    assert caught.value.parameter == "name"


def test_revoking_what_is_not_there(keys: SqlKeys) -> None:
    with pytest.raises(InvalidInput, match="no live key 'app'"):
        keys.revoke("app")
