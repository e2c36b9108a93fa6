"""Events: completed with region, local day and arm, each id once, ready for the ledger."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from mia.domain.subscriber import ARM_BUCKETS, Arm, ArmSplit
from mia.intake.answers import count
from mia.intake.quoting import identifier, literal
from mia.intake.raw import ROW
from mia.intake.rejects import REJECTS
from mia.intake.rules import KNOWN_SUBSCRIBER, KNOWN_SUBSCRIBERS, rules_of
from mia.intake.sources import Source
from mia.intake.staging import FAULT, FILE, Plan
from mia.intake.subscribers import KNOWN_MACRO_REGION, KNOWN_REGION, KNOWN_TIMEZONE, REGION_TABLE
from mia.tables import (
    ARM,
    CHANNEL,
    DECISION_ID,
    EVENT_ID,
    EVENTS,
    KIND,
    LOCAL_DAY,
    MACRO_REGION,
    OCCURRED_AT,
    OFFER_ID,
    POSITION,
    PROPENSITY,
    REGION,
    SUBSCRIBER_ID,
)
from mia.timeline import DAY_SECONDS, MICROSECONDS

CONFLICT = "conflict"
ORDERED = "ordered_events"
# 0: the first of its id; 1: the same again; 2: the same id with another content.
STANDING = ":standing"


def events_plan(now: int) -> Plan:
    """How events are judged; `now` in microseconds since the epoch."""
    local = f"epoch_us(timezone({identifier(KNOWN_TIMEZONE)}, {OCCURRED_AT}))"
    return Plan(
        EVENTS,
        rules_of(EVENTS, kinds=(), now=now),
        joins=f"LEFT JOIN {KNOWN_SUBSCRIBERS} ON {SUBSCRIBER_ID} = {identifier(KNOWN_SUBSCRIBER)}",
        derived={
            KNOWN_REGION: ("VARCHAR", identifier(KNOWN_REGION)),
            KNOWN_MACRO_REGION: ("VARCHAR", identifier(KNOWN_MACRO_REGION)),
            LOCAL_DAY: ("INTEGER", f"CAST({local} // {DAY_SECONDS * MICROSECONDS} AS INTEGER)"),
        },
    )


def order_events(connection: duckdb.DuckDBPyConnection, plan: Plan) -> int:
    """Tell the sound staged events of one id apart; returns the number of plain repeats.

    Further ones with another content than the first are in conflict with it. As in the ledger, the region is no
    part of the content: MIA fills it in where the client does not.
    """
    content = f"({', '.join(identifier(name) for name in EVENTS.names if name != REGION)})"
    first = f'first_value({content}) OVER (PARTITION BY {EVENT_ID} ORDER BY "{FILE}", "{ROW}")'
    place = f'row_number() OVER (PARTITION BY {EVENT_ID} ORDER BY "{FILE}", "{ROW}")'
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE {ORDERED} AS SELECT "{FILE}", "{ROW}", {EVENT_ID}, CASE WHEN {place} = 1 THEN 0 '
        f'WHEN {content} IS NOT DISTINCT FROM {first} THEN 1 ELSE 2 END AS "{STANDING}" '
        f'FROM {plan.staged} WHERE "{FAULT}" = 0'
    )
    return count(connection, f'SELECT count(*) FROM {ORDERED} WHERE "{STANDING}" = 1')


def build_events(connection: duckdb.DuckDBPyConnection, plan: Plan, arms: ArmSplit) -> pa.Table:
    """The first event of each id with the fields of `mia.domain.event.Event`, by time; microseconds since the epoch.

    Where an event names no region, or that of its subscriber, the subscriber's macro-region holds; else, and
    when the subscriber has none, that of the settings.
    """
    home = f"(e.{REGION} IS NULL OR e.{REGION} = e.{identifier(KNOWN_REGION)})"
    columns = {
        EVENT_ID: f"e.{EVENT_ID}",
        OCCURRED_AT: f"epoch_us({OCCURRED_AT})",
        SUBSCRIBER_ID: SUBSCRIBER_ID,
        OFFER_ID: OFFER_ID,
        KIND: f"e.{KIND}",
        CHANNEL: CHANNEL,
        LOCAL_DAY: LOCAL_DAY,
        ARM: arm_sql(arms),
        REGION: f"coalesce(e.{REGION}, e.{identifier(KNOWN_REGION)})",
        MACRO_REGION: f"coalesce(CASE WHEN {home} THEN e.{identifier(KNOWN_MACRO_REGION)} END, r.{MACRO_REGION})",
        DECISION_ID: DECISION_ID,
        POSITION: POSITION,
        PROPENSITY: PROPENSITY,
    }
    chosen = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    return connection.sql(
        f'SELECT {chosen} FROM {plan.staged} AS e JOIN {ORDERED} AS o USING ("{FILE}", "{ROW}") '
        f"LEFT JOIN {REGION_TABLE} AS r ON r.{REGION} = coalesce(e.{REGION}, e.{identifier(KNOWN_REGION)}) "
        f'WHERE o."{STANDING}" = 0 ORDER BY e.{OCCURRED_AT}, e.{EVENT_ID}'
    ).to_arrow_table()


def note_conflicts(
    connection: duckdb.DuckDBPyConnection, plan: Plan, sources: dict[int, Source], known: Sequence[str]
) -> None:
    """Copy events in conflict to the rejects: those that met another in the load, and `known` ids of the ledger."""
    files = ", ".join(f"({number}, {literal(source.name)})" for number, source in sources.items())
    values = ", ".join(f"{name} := CAST(e.{name} AS VARCHAR)" for name in EVENTS.names)
    reason = literal(f"{EVENT_ID}: came before with another content")
    connection.execute(
        f'INSERT INTO {REJECTS} SELECT {literal(EVENTS.name)}, files.name, e."{ROW}", {literal(EVENT_ID)}, '
        f"{literal(CONFLICT)}, {reason}, to_json(struct_pack({values})) "
        f'FROM {plan.staged} AS e JOIN {ORDERED} AS o USING ("{FILE}", "{ROW}") '
        f'JOIN (VALUES {files}) AS files (number, name) ON files.number = "{FILE}" '
        f'WHERE o."{STANDING}" = 2 OR (o."{STANDING}" = 0 AND list_contains($1, e.{EVENT_ID}))',
        [list(known)],
    )


def arm_sql(arms: ArmSplit) -> str:
    """SQL that is equal to `ArmSplit.arm_of` of the column subscriber_id."""
    digest = f"md5({literal(arms.salt + ':')} || {SUBSCRIBER_ID})"
    bucket = f"CAST('0x' || substr({digest}, 1, 8) AS BIGINT) % {ARM_BUCKETS}"
    return (
        f"CASE WHEN {bucket} < {arms.control_share * ARM_BUCKETS!r}::DOUBLE THEN {literal(Arm.CONTROL)} "
        f"ELSE {literal(Arm.MIA)} END"
    )
