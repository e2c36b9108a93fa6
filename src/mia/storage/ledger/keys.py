"""API keys: random secrets of which only a hash is kept."""

import hashlib
import secrets
from collections.abc import Iterable

from sqlalchemy import select, update

from mia.errors import InvalidInput
from mia.ports import ApiKey
from mia.storage.ledger.database import Database
from mia.storage.ledger.schema import API_KEYS

SCOPES = ("offers", "events", "uptake", "admin")


class SqlKeys:
    """`mia.ports.Keys` in the database of the ledger. Names of live keys are unique."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, name: str, scopes: Iterable[str]) -> str:
        """Make a key and return its secret, the only time it can be seen.

        Raises InvalidInput for an empty or taken name, no scope, or a scope that there is not.
        """
        wanted = sorted(set(scopes))
        if not name.strip() or "\0" in name:
            raise InvalidInput("must not be empty or hold the NUL character", parameter="name")
        if not wanted or not set(wanted) <= set(SCOPES):
            raise InvalidInput(f"must be one or more of {', '.join(SCOPES)}", parameter="scope")
        secret = f"mia_{secrets.token_urlsafe(24)}"
        with self.database.writing() as connection:
            live = select(API_KEYS.c.name).where(API_KEYS.c.name == name, API_KEYS.c.revoked_at.is_(None))
            if connection.execute(live).first() is not None:
                raise InvalidInput(f"there is a live key {name!r} already; revoke it first", parameter="name")
            row = {
                "key_hash": _hash(secret),
                "name": name,
                "scopes": " ".join(wanted),
                "created_at": self.database.clock(),
            }
            connection.execute(API_KEYS.insert(), row)
        return secret

    def find(self, secret: str) -> ApiKey | None:
        """The live key of a secret, None when unknown or revoked."""
        statement = select(API_KEYS).where(API_KEYS.c.key_hash == _hash(secret), API_KEYS.c.revoked_at.is_(None))
        with self.database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else ApiKey(row.name, frozenset(row.scopes.split()), row.created_at)

    def all(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        statement = select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.key_hash)
        with self.database.reading() as connection:
            rows = connection.execute(statement).all()
        return [ApiKey(row.name, frozenset(row.scopes.split()), row.created_at, row.revoked_at) for row in rows]

    def revoke(self, name: str) -> None:
        """Make a live key useless at once; raises InvalidInput when there is none of this name."""
        statement = (
            update(API_KEYS)
            .where(API_KEYS.c.name == name, API_KEYS.c.revoked_at.is_(None))
            .values(revoked_at=self.database.clock())
        )
        with self.database.writing() as connection:
            if connection.execute(statement).rowcount == 0:
                raise InvalidInput(f"there is no live key {name!r}", parameter="name")


def _hash(secret: str) -> str:
    # A plain hash is enough: the secret holds 192 random bits, so there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
