"""The ledger: decisions, events and API keys in SQLite or PostgreSQL."""

from collections.abc import Callable

from mia.storage.ledger.database import open_database
from mia.storage.ledger.group_commit import GroupCommit
from mia.storage.ledger.keys import SCOPES, SqlKeys
from mia.storage.ledger.ledger import SqlLedger
from mia.storage.ledger.shelter import Shelter

__all__ = ["SCOPES", "GroupCommit", "Shelter", "SqlKeys", "SqlLedger", "open_ledger"]


def open_ledger(url: str, clock: Callable[[], int]) -> SqlLedger:
    """Connect to the ledger, make or migrate its tables, and return it; its keys are `SqlKeys(ledger.database)`.

    `url` is a SQLAlchemy URL, `clock` gives microseconds since the epoch. Raises InvalidSettings for a URL that
    cannot be used and LedgerUnavailable when the server does not answer.
    """
    return SqlLedger(open_database(url, clock))
