"""Positions of decisions, the places that they keep, counts and holds of budgets, months as partitions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mia.storage.ledger.months import create_month, month_of_micros

revision = "0002"
down_revision = "0001"

_CARRIED = (
    "decision_id, request_id, decided_at, subscriber_id, channel, arm, model_version, catalogue_version, "
    "profile_version, policy_version, seed, ledger_position"
)
_SHOWN = {
    "sqlite": "(SELECT json_group_array(json_extract(value, '$.offer_id')) FROM json_each(body, '$.offers'))",
    "postgresql": "(SELECT coalesce(json_agg(o -> 'offer_id' ORDER BY place), '[]')::text FROM "
    "json_array_elements(body::json -> 'offers') WITH ORDINALITY AS shown(o, place))",
}
_ORDER = {"sqlite": "rowid", "postgresql": "ledger_position, decided_at, decision_id"}


def upgrade() -> None:
    """Make the tables anew around what is there. Decisions of before keep no places."""
    connection = op.get_bind()
    name = connection.dialect.name
    # Indexes of the old table have the names of the new ones, and PostgreSQL renames none with their table.
    op.drop_index("decisions_request_id", "decisions")
    op.rename_table("decisions", "decisions_before")
    if name == "postgresql":
        op.execute("ALTER TABLE decisions_before RENAME CONSTRAINT decisions_pkey TO decisions_before_pkey")
        op.execute("CREATE SEQUENCE decisions_seq_seq")
        key = sa.Column("seq", sa.BigInteger, server_default=sa.text("nextval('decisions_seq_seq')"), nullable=False)
        op.create_table("decisions", key, *_columns(), postgresql_partition_by="RANGE (decided_at)")
        op.execute("ALTER SEQUENCE decisions_seq_seq OWNED BY decisions.seq")
        for month in _months(connection):
            create_month(connection, month)
    else:
        key = sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True)
        op.create_table("decisions", key, *_columns(), sqlite_autoincrement=True)
    op.execute(
        f"INSERT INTO decisions ({_CARRIED}, decision_position, reserved_until, explored, fallback, shown, body) "  # noqa: S608
        f"SELECT {_CARRIED}, 0, 0, explored, fallback, {_SHOWN[name]}, body FROM decisions_before "
        f"ORDER BY {_ORDER[name]}"
    )
    op.drop_table("decisions_before")
    # Indexes come last, because sorting them whole costs less than growing them.
    if name == "postgresql":
        op.create_primary_key("decisions_pkey", "decisions", ["seq", "decided_at"])
    op.create_index("decisions_decision_id", "decisions", ["decision_id"])
    op.create_index("decisions_decided_at", "decisions", ["decided_at"])
    given = sa.text("request_id IS NOT NULL")
    op.create_index("decisions_request_id", "decisions", ["request_id"], sqlite_where=given, postgresql_where=given)
    op.create_index("decisions_subscriber", "decisions", ["subscriber_id", "seq"])
    op.create_table(
        "offer_counts",
        sa.Column("offer_id", sa.Text, primary_key=True),
        sa.Column("connections", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
    )
    op.execute(
        "INSERT INTO offer_counts (offer_id, connections, held) "
        "SELECT offer_id, count(*), 0 FROM events WHERE kind = 'connection' GROUP BY offer_id"
    )
    op.create_table(
        "holds",
        sa.Column("offer_id", sa.Text, primary_key=True),
        sa.Column("subscriber_id", sa.Text, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("holds_until", "holds", ["until"])
    op.create_index("holds_subscriber", "holds", ["subscriber_id"])


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("decision_id", sa.Text, nullable=False),
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
        sa.Column("decision_position", sa.BigInteger, nullable=False),
        sa.Column("reserved_until", sa.BigInteger, nullable=False),
        sa.Column("explored", sa.Boolean, nullable=False),
        sa.Column("fallback", sa.Text),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    ]


def _months(connection: sa.Connection) -> list[int]:
    times = connection.execute(
        sa.text(
            "SELECT min(decided_at) FROM decisions_before "
            "GROUP BY date_trunc('month', to_timestamp(decided_at / 1000000) AT TIME ZONE 'UTC')"
        )
    )
    return [month_of_micros(row[0]) for row in times]
