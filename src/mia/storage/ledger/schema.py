"""Tables of the ledger. Every time is an integer: microseconds since the epoch, or a local day number.

The migrations make these tables; a test holds that both say the same.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

# SQLite counts rows itself only in a column declared INTEGER, which is 64 bits wide there.
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", _SEQUENCE, Identity(), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("subscriber_id", Text, nullable=False),
    Column("offer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("local_day", Integer, nullable=False),
    Column("arm", Text, nullable=False),
    Column("region", Text),
    Column("macro_region", Text),
    Column("decision_id", Text),
    Column("position", Integer),
    Column("propensity", Double),
    Column("recorded_at", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False),
    Index("events_event_id", "event_id", unique=True),
    Index("events_subscriber", "subscriber_id", "seq"),
    # A position is never given twice, not even after the newest rows were deleted by hand.
    sqlite_autoincrement=True,
)
Index(
    "events_decision",
    EVENTS.c.decision_id,
    sqlite_where=EVENTS.c.decision_id.is_not(None),
    postgresql_where=EVENTS.c.decision_id.is_not(None),
)
Index(
    "events_connections",
    EVENTS.c.offer_id,
    EVENTS.c.seq,
    sqlite_where=EVENTS.c.kind == "connection",
    postgresql_where=EVENTS.c.kind == "connection",
)

# On PostgreSQL the table is partitioned by month of decided_at, over which no id could be unique by itself: the writer,
# which is alone, sees to ids and request ids on both databases.
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("decision_id", Text, nullable=False),
    Column("request_id", Text),
    Column("decided_at", BigInteger, nullable=False),
    Column("subscriber_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("arm", Text, nullable=False),
    Column("model_version", Text),
    Column("catalogue_version", Text, nullable=False),
    Column("profile_version", Text),
    Column("policy_version", Text, nullable=False),
    # Text, because a seed may use all 64 bits without a sign.
    Column("seed", Text, nullable=False),
    Column("ledger_position", BigInteger, nullable=False),
    Column("decision_position", BigInteger, nullable=False),
    Column("reserved_until", BigInteger, nullable=False),
    Column("explored", Boolean, nullable=False),
    Column("fallback", Text),
    # Offers in their order as a JSON list, for who needs no more of a decision than that.
    Column("shown", Text, nullable=False),
    # Text and not JSONB, which rewrites numbers: the decision must come back with the same floats.
    Column("body", Text, nullable=False),
    Index("decisions_decision_id", "decision_id"),
    Index("decisions_decided_at", "decided_at"),
    Index("decisions_subscriber", "subscriber_id", "seq"),
    sqlite_autoincrement=True,
)
Index(
    "decisions_request_id",
    DECISIONS.c.request_id,
    sqlite_where=DECISIONS.c.request_id.is_not(None),
    postgresql_where=DECISIONS.c.request_id.is_not(None),
)

OFFER_COUNTS = Table(
    "offer_counts",
    METADATA,
    Column("offer_id", Text, primary_key=True),
    Column("connections", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("offer_id", Text, primary_key=True),
    Column("subscriber_id", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("holds_until", "until"),
    Index("holds_subscriber", "subscriber_id"),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_hash", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
Index(
    "api_keys_live_name",
    API_KEYS.c.name,
    unique=True,
    sqlite_where=API_KEYS.c.revoked_at.is_(None),
    postgresql_where=API_KEYS.c.revoked_at.is_(None),
)
