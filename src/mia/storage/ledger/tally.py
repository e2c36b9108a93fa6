"""Decisions counted by day, model, fallback and exploration."""

import pyarrow as pa
from sqlalchemy import Connection, func, select

from mia.storage.ledger.schema import DECISIONS
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
TALLY_SCHEMA = pa.schema(
    [
        pa.field("day", pa.int64(), nullable=False),
        pa.field("model", pa.string()),
        pa.field("fallback", pa.string()),
        pa.field("explored", pa.bool_(), nullable=False),
        pa.field("decisions", pa.int64(), nullable=False),
    ]
)


def tally(connection: Connection, since: int, until: int) -> pa.Table:
    """Rows of TALLY_SCHEMA for decisions from `since` to before `until` (microseconds); days are UTC."""
    # Whole days in integers: both databases cut off the remainder of positive numbers.
    day = (DECISIONS.c.decided_at - DECISIONS.c.decided_at % DAY).label("day")
    kept = (DECISIONS.c.model_version, DECISIONS.c.fallback, DECISIONS.c.explored)
    query = (
        select(day, *kept, func.count().label("decisions"))
        .where(DECISIONS.c.decided_at >= since, DECISIONS.c.decided_at < until)
        .group_by(day, *kept)
        .order_by(day, *kept)
    )
    rows = connection.execute(query).all()
    found = [(one[0] // DAY, one[1], one[2], bool(one[3]), one[4]) for one in rows]
    return pa.Table.from_pylist([dict(zip(TALLY_SCHEMA.names, row, strict=True)) for row in found], TALLY_SCHEMA)
