"""Events, decisions and API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.BigInteger, nullable=False),
        sa.Column("subscriber_id", sa.Text, nullable=False),
        sa.Column("offer_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("local_day", sa.Integer, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("region", sa.Text),
        sa.Column("macro_region", sa.Text),
        sa.Column("decision_id", sa.Text),
        sa.Column("position", sa.Integer),
        sa.Column("propensity", sa.Double),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_event_id", "events", ["event_id"], unique=True)
    op.create_index("events_subscriber", "events", ["subscriber_id", "seq"])
    _create_partial_index("events_decision", "events", ["decision_id"], "decision_id IS NOT NULL")
    _create_partial_index("events_connections", "events", ["offer_id", "seq"], "kind = 'connection'")
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text),
        sa.Column("decided_at", sa.BigInteger, nullable=False),
        sa.Column("subscriber_id", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text),
        sa.Column("catalogue_version", sa.Text, nullable=False),
        sa.Column("profile_version", sa.Text),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("ledger_position", sa.BigInteger, nullable=False),
        sa.Column("explored", sa.Boolean, nullable=False),
        sa.Column("fallback", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("decisions_request_id", "decisions", ["request_id"], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("key_hash", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    _create_partial_index("api_keys_live_name", "api_keys", ["name"], "revoked_at IS NULL", unique=True)


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
