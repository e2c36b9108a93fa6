"""Views of uptake for tools that speak SQL; docs/dashboards.md tells what is in them."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TOKENS = {
    "sqlite": {
        "month": "strftime('%Y-%m', local_day * 86400, 'unixepoch')",
        "month_start": "strftime('%Y-%m-01', local_day * 86400, 'unixepoch')",
        "day": "strftime('%Y-%m-%d', local_day * 86400, 'unixepoch')",
        "id": "event_id",
        "same": "IS",
    },
    "postgresql": {
        "month": "to_char(DATE '1970-01-01' + local_day, 'YYYY-MM')",
        "month_start": "CAST(date_trunc('month', CAST(DATE '1970-01-01' + local_day AS timestamp)) AS date)",
        "day": "DATE '1970-01-01' + local_day",
        # Ids are ordered by their bytes everywhere, whatever the language of the database.
        "id": 'event_id COLLATE "C"',
        "same": "IS NOT DISTINCT FROM",
    },
}
_COMMON = {
    "kept": "local_day, occurred_at, event_id, subscriber_id, offer_id, region, macro_region, channel, arm, kind, "
    "decision_id",
    "sums": ", ".join(
        f"sum(CASE WHEN kind = '{kind}' THEN 1 ELSE 0 END) AS {kind}s"
        for kind in ("impression", "click", "connection", "disconnection")
    ),
    "running": "OVER (PARTITION BY macro_region ORDER BY month) AS BIGINT)",
}
_VIEWS = {
    # What stands before is looked for among connections and disconnections alone, so impressions and clicks go by.
    "uptake_counted": """
        SELECT {month} AS month, {month_start} AS month_start, {day} AS day, {kept}
        FROM (
            SELECT {kept}, NULL AS before FROM events WHERE kind IN ('impression', 'click')
            UNION ALL
            SELECT {kept}, coalesce(
                lag(kind) OVER (PARTITION BY subscriber_id, offer_id ORDER BY occurred_at, {id}), 'disconnection'
            )
            FROM events WHERE kind IN ('connection', 'disconnection')
        ) AS lines
        WHERE before IS NULL OR before <> kind
    """,
    "uptake_monthly": """
        SELECT month, month_start, region, macro_region, offer_id, channel, arm, {sums}
        FROM uptake_counted GROUP BY month, month_start, region, macro_region, offer_id, channel, arm
    """,
    "uptake_growth": """
        WITH counted AS (
            SELECT month, month_start, macro_region,
                sum(connections) AS connections, sum(disconnections) AS disconnections
            FROM uptake_monthly GROUP BY month, month_start, macro_region
        ), cells AS (
            SELECT months.month, months.month_start, places.macro_region,
                CAST(coalesce(counted.connections, 0) AS BIGINT) AS connections,
                CAST(coalesce(counted.disconnections, 0) AS BIGINT) AS disconnections
            FROM (SELECT DISTINCT month, month_start FROM counted) AS months
            CROSS JOIN (SELECT DISTINCT macro_region FROM counted) AS places
            LEFT JOIN counted
                ON counted.month = months.month AND counted.macro_region {same} places.macro_region
        )
        SELECT month, month_start, macro_region, connections, disconnections,
            CAST(sum(connections) {running} AS cumulative,
            CAST(sum(connections - disconnections) {running} AS net_active
        FROM cells
    """,
    "uptake_funnel": """
        SELECT month, month_start, channel, arm, macro_region,
            CASE kind WHEN 'impression' THEN 1 WHEN 'click' THEN 2 ELSE 3 END AS step_number,
            kind AS step, count(*) AS events
        FROM uptake_counted WHERE kind <> 'disconnection'
        GROUP BY month, month_start, channel, arm, macro_region, kind
    """,
    "uptake_lift_inputs": """
        SELECT day, local_day, month, subscriber_id, arm, region, macro_region, {sums},
            sum(CASE WHEN decision_id IS NULL THEN 0 ELSE 1 END) AS decided
        FROM uptake_counted GROUP BY day, local_day, month, subscriber_id, arm, region, macro_region
    """,
}


def upgrade() -> None:
    """Make the views; they hold nothing themselves."""
    tokens = _COMMON | _TOKENS[op.get_bind().dialect.name]
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query.format(**tokens)}")
