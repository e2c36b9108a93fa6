"""API keys: random secrets of which only a hash is kept.

A key that is rotated is two rows of one name: the old one with the end of its grace as the time it is revoked at, and
the new one, which alone is not revoked.
"""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update

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
        if not name.strip() or not name.isprintable():
            raise InvalidInput("must not be empty or hold control characters", parameter="name")
        if not wanted or not set(wanted) <= set(SCOPES):
            raise InvalidInput(f"must be one or more of {', '.join(SCOPES)}", parameter="scope")
        with self.database.writing() as connection:
            if connection.execute(select(API_KEYS.c.name).where(_current(name))).first() is not None:
                raise InvalidInput(f"there is a live key {name!r} already; rotate or revoke it", parameter="name")
            return self._insert(connection, name, " ".join(wanted))

    def live(self) -> dict[str, ApiKey]:
        """Keys that pass now, by the SHA-256 digest of their secret in hexadecimal. Raises LedgerUnavailable."""
        passing = or_(API_KEYS.c.revoked_at.is_(None), API_KEYS.c.revoked_at > self.database.clock())
        with self.database.reading() as connection:
            rows = connection.execute(select(API_KEYS).where(passing)).all()
        return {row.key_hash: _key(row) for row in rows}

    def all(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        statement = select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.key_hash)
        with self.database.reading() as connection:
            return [_key(row) for row in connection.execute(statement).all()]

    def rotate(self, name: str, grace: int) -> str:
        """A new secret for a live key, returned this once; the old one passes for `grace` microseconds more.

        Raises InvalidInput when there is no live key of this name.
        """
        with self.database.writing() as connection:
            scopes = connection.execute(select(API_KEYS.c.scopes).where(_current(name))).scalar()
            if scopes is None:
                raise InvalidInput(f"there is no live key {name!r}", parameter="name")
            end = self.database.clock() + grace
            connection.execute(update(API_KEYS).where(_current(name)).values(revoked_at=end))
            return self._insert(connection, name, scopes)

    def revoke(self, name: str) -> None:
        """Make every live secret of a key useless at once; raises InvalidInput when there is none of this name."""
        now = self.database.clock()
        passing = or_(API_KEYS.c.revoked_at.is_(None), API_KEYS.c.revoked_at > now)
        statement = update(API_KEYS).where(API_KEYS.c.name == name, passing).values(revoked_at=now)
        with self.database.writing() as connection:
            if connection.execute(statement).rowcount == 0:
                raise InvalidInput(f"there is no live key {name!r}", parameter="name")

    def _insert(self, connection: Connection, name: str, scopes: str) -> str:
        secret = f"mia_{secrets.token_urlsafe(24)}"
        # A plain hash is enough: the secret holds 192 random bits, so there is nothing to guess.
        digest = hashlib.sha256(secret.encode()).hexdigest()
        row = {"key_hash": digest, "name": name, "scopes": scopes, "created_at": self.database.clock()}
        connection.execute(API_KEYS.insert(), row)
        return secret


def _current(name: str) -> ColumnElement[bool]:
    return and_(API_KEYS.c.name == name, API_KEYS.c.revoked_at.is_(None))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.name, frozenset(row.scopes.split()), row.created_at, row.revoked_at)
