"""Retention: decisions of old months go, as a partition on PostgreSQL and in pieces on SQLite; events never do."""

from sqlalchemy import text

from mia.storage.ledger.database import Database
from mia.storage.ledger.months import drop_months, start_of_month
from mia.storage.ledger.raw import Raw

PIECE = 20_000
"""Rows that SQLite deletes at a time, so that writers who serve get their turn in between."""
_DELETE = """
DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions WHERE decided_at < ? ORDER BY decided_at LIMIT ?)
"""


def prune(database: Database, before: int) -> int:
    """Remove the decisions of months (UTC) before this one; returns how many."""
    bound = start_of_month(before)
    if database.engine.dialect.name == "postgresql":
        with database.writing() as connection:
            counted = text("SELECT count(*) FROM decisions WHERE decided_at < :bound")
            removed: int = connection.execute(counted, {"bound": bound}).scalar_one()
            drop_months(connection, before)
        return removed
    total = 0
    while True:
        with database.writing() as connection:
            gone = Raw(connection).run(_DELETE, (bound, PIECE))
        total += gone
        if gone < PIECE:
            return total
