"""The rules of the canonical tables as SQL, made from their declarations in `mia.tables`.

A row is judged in three layers, each a SELECT over the one before: `raw:<column>` is the value as it came, `<column>`
is the same value in its type (NULL where it cannot be), and `:fault` is the number of the first rule that the row
breaks, 0 for none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import available_timezones

import duckdb

from mia.intake.quoting import identifier, literal, literals
from mia.tables import (
    ARRIVED_AT,
    EVENTS,
    KIND,
    OCCURRED_AT,
    OFFER_ID,
    RECORD_ID,
    SUBSCRIBER_ID,
    TIMEZONE,
    USAGE,
    VERSION,
    WITHDRAWN,
    Column,
    Dtype,
    Table,
)

EARLIEST = "1990-01-01"
KNOWN_SUBSCRIBERS = "known_subscribers"
KNOWN_SUBSCRIBER = ":subscriber"
KNOWN_OFFERS = "known_offers"

UNKNOWN_SUBSCRIBER = "unknown subscriber"
UNKNOWN_OFFER = "unknown offer"
UNKNOWN_TIMEZONE = "unknown time zone"
IN_FUTURE = "in the future"
BEFORE_IT_OCCURRED = "before occurred_at"
AMENDS_NOTHING = "needed to amend a record"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one column: `broken` is SQL that is true where the row breaks it.

    `curable` rules judge by something outside the row, so the same row may pass another day.
    """

    column: str
    name: str
    broken: str
    curable: bool = False

    @property
    def reason(self) -> str:
        """The rule in words, with the column it is about."""
        return f"{self.column}: {self.name}"


@dataclass(frozen=True, slots=True)
class DuckType:
    """How a dtype is stored, what to call a value that is none, and how to make it from text or from a type."""

    stored: str
    misfit: str
    parse: Callable[[str, str], str]


INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
TEXT = "VARCHAR"


def _text(value: str, kind: str) -> str:
    return value if kind == TEXT else f"CAST({value} AS VARCHAR)"


def _str(value: str, kind: str) -> str:
    # Databases cannot keep the NUL character.
    return f"CASE WHEN NOT contains({_text(value, kind)}, chr(0)) THEN {_text(value, kind)} END"


def number(text: str) -> str:
    """SQL of a text as a number, NULL where it is none."""
    # The engine's cast takes the id 1000_93 for 100093.
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def _float(value: str, kind: str) -> str:
    return f"CAST({value} AS DOUBLE)" if kind in INTEGERS | {"DOUBLE", "FLOAT"} else number(_text(value, kind))


def _int(value: str, kind: str) -> str:
    if kind in INTEGERS:
        return f"CAST({value} AS BIGINT)"
    number = _float(value, kind)
    # Beyond 2^53 a float no longer tells integers apart.
    return (
        f"CASE WHEN abs({number}) < 9007199254740992 AND {number} = floor({number}) THEN CAST({number} AS BIGINT) END"
    )


def _bool(value: str, kind: str) -> str:
    if kind == "BOOLEAN":
        return value
    text = f"lower({_text(value, kind)})"
    return (
        f"CASE WHEN {text} IN ('true', 't', 'yes', '1', '1.0') THEN true "
        f"WHEN {text} IN ('false', 'f', 'no', '0', '0.0') THEN false END"
    )


def _timestamp(value: str, kind: str) -> str:
    # The session's time zone is UTC, so a timestamp without an offset is read as UTC.
    known = kind.startswith("TIMESTAMP") or kind == "DATE"
    moment = f"TRY_CAST({value if known else _text(value, kind)} AS TIMESTAMPTZ)"
    return f"CASE WHEN isfinite({moment}) THEN {moment} END"


def _date(value: str, kind: str) -> str:
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"CASE WHEN isfinite({value}) THEN CAST({value} AS DATE) END"
    # The cast to a date alone would overlook anything that follows the date.
    text = _text(value, kind)
    return f"CASE WHEN isfinite(TRY_CAST({text} AS TIMESTAMP)) THEN TRY_CAST({text} AS DATE) END"


def _list(value: str, kind: str) -> str:
    if kind.endswith("[]"):
        return f"CAST({value} AS VARCHAR[])"
    parts = f"list_transform(string_split({_text(value, kind)}, ';'), lambda part: trim(part))"
    return f"list_filter({parts}, lambda part: part <> '')"


DUCK: Mapping[Dtype, DuckType] = {
    "str": DuckType("VARCHAR", "not a text", _str),
    "int": DuckType("BIGINT", "not an integer", _int),
    "float": DuckType("DOUBLE", "not a number", _float),
    "bool": DuckType("BOOLEAN", "not true or false", _bool),
    "date": DuckType("DATE", "not a date", _date),
    "timestamp": DuckType("TIMESTAMPTZ", "not a timestamp", _timestamp),
    "list": DuckType("VARCHAR[]", "not a list", _list),
}


def raw_name(column: str) -> str:
    """Quoted name of the value as it came."""
    return identifier(f"raw:{column}")


def raw_value(expression: str, kind: str) -> str:
    """The value as it came; blank text counts as no value."""
    return f"nullif(trim(CAST({expression} AS VARCHAR)), '')" if kind == TEXT else f"({expression})"


def parsed(column: Column, kind: str) -> str:
    """SQL of a column in its type, from its raw value of DuckDB type `kind`."""
    return DUCK[column.dtype].parse(raw_name(column.name), kind)


def rules_of(table: Table, *, kinds: tuple[str, ...], now: int) -> tuple[Rule, ...]:
    """All rules of a table in the order they are judged.

    `kinds` are the kinds of usage declared in the settings, `now` is in microseconds since the epoch.
    """
    rules: list[Rule] = []
    for column in table.columns:
        usage_kind = table.name == USAGE.name and column.name == KIND
        known = replace(column, choices=(*column.choices, *kinds)) if usage_kind else column
        rules.extend(_rules_of_column(known, now, curable_choice=usage_kind))
        rules.extend(WIDER_RULES.get((table.name, column.name), ()))
        if column.name == TIMEZONE:
            rules.append(_rule_of_timezones())
    return tuple(rules)


def _rules_of_column(column: Column, now: int, *, curable_choice: bool) -> list[Rule]:
    name, value, raw = column.name, identifier(column.name), raw_name(column.name)
    rules = [Rule(name, DUCK[column.dtype].misfit, f"{raw} IS NOT NULL AND {value} IS NULL")]
    if column.required:
        rules.insert(0, Rule(name, "missing value", f"{raw} IS NULL"))
    if column.dtype == "float":
        rules.append(Rule(name, "not finite", f"NOT isfinite({value})"))
    if column.above is not None:
        rules.append(Rule(name, f"not above {column.above:g}", f"{value} <= {column.above!r}"))
    if column.minimum is not None:
        rules.append(Rule(name, f"below {column.minimum:g}", f"{value} < {column.minimum!r}"))
    if column.maximum is not None:
        rules.append(Rule(name, f"above {column.maximum:g}", f"{value} > {column.maximum!r}"))
    if column.choices:
        rules.append(
            Rule(name, f"unknown {name}", f"{value} NOT IN ({literals(column.choices)})", curable=curable_choice)
        )
    if column.dtype == "timestamp":
        rules.append(Rule(name, IN_FUTURE, f"{value} > make_timestamptz({now})", curable=True))
        rules.append(Rule(name, f"before {EARLIEST[:4]}", f"{value} < TIMESTAMPTZ '{EARLIEST} 00:00:00+00'"))
    if column.dtype == "date":
        # Today has begun somewhere up to 14 hours before it does in UTC.
        latest = f"CAST(make_timestamp({now}) + INTERVAL 14 HOUR AS DATE)"
        rules.append(Rule(name, IN_FUTURE, f"{value} > {latest}", curable=True))
        rules.append(Rule(name, f"before {EARLIEST[:4]}", f"{value} < DATE '{EARLIEST}'"))
    return rules


def _rule_of_timezones() -> Rule:
    """A time zone that both DuckDB, which makes local days, and Python, which reads them while serving, know."""
    shared = f"SELECT name FROM pg_timezone_names() WHERE name IN ({literals(sorted(available_timezones()))})"
    return Rule(TIMEZONE, UNKNOWN_TIMEZONE, f"{identifier(TIMEZONE)} NOT IN ({shared})")


_SUBSCRIBER_IS_KNOWN = Rule(SUBSCRIBER_ID, UNKNOWN_SUBSCRIBER, f"{identifier(KNOWN_SUBSCRIBER)} IS NULL", curable=True)

# Rules that look beyond their column: at other columns of the row, or at other tables.
WIDER_RULES: Mapping[tuple[str, str], tuple[Rule, ...]] = {
    (USAGE.name, SUBSCRIBER_ID): (_SUBSCRIBER_IS_KNOWN,),
    (EVENTS.name, SUBSCRIBER_ID): (_SUBSCRIBER_IS_KNOWN,),
    (EVENTS.name, OFFER_ID): (
        Rule(
            OFFER_ID,
            UNKNOWN_OFFER,
            f"{identifier(OFFER_ID)} NOT IN (SELECT {OFFER_ID} FROM {KNOWN_OFFERS})",
            curable=True,
        ),
    ),
    (USAGE.name, RECORD_ID): (
        Rule(RECORD_ID, AMENDS_NOTHING, f"{RECORD_ID} IS NULL AND ({VERSION} > 1 OR {WITHDRAWN})"),
    ),
    (USAGE.name, ARRIVED_AT): (Rule(ARRIVED_AT, BEFORE_IT_OCCURRED, f"{ARRIVED_AT} < {OCCURRED_AT}"),),
}


def know_offers(connection: duckdb.DuckDBPyConnection, offer_ids: Sequence[str]) -> None:
    """Make the table that tells whether an offer is known."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {KNOWN_OFFERS} ({OFFER_ID} VARCHAR)")
    connection.execute(f"INSERT INTO {KNOWN_OFFERS} SELECT unnest($1::VARCHAR[])", [list(offer_ids)])


def fault(rules: tuple[Rule, ...]) -> str:
    """SQL of the 1-based number of the first rule that a row breaks, 0 for none."""
    cases = " ".join(f"WHEN {rule.broken} THEN {place}" for place, rule in enumerate(rules, start=1))
    return f"CASE {cases} ELSE 0 END"


def named_rules(rules: tuple[Rule, ...]) -> str:
    """SQL rows (number, column, name, reason) of the rules, to be joined to `:fault`."""
    return ", ".join(
        f"({place}, {literal(rule.column)}, {literal(rule.name)}, {literal(rule.reason)})"
        for place, rule in enumerate(rules, start=1)
    )
