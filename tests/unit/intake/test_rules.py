"""Every declared column brings its rules, and values are read the same whatever type they come in."""

from typing import Any

import duckdb
import pytest

from mia.intake.rules import DUCK, Rule, fault, raw_name, rules_of
from mia.tables import EVENTS, SUBSCRIBERS, USAGE, Column, Dtype, Table


def judged(column: Column, values: str) -> list[tuple[Any, str | None]]:
    """Parsed value and broken rule of each value in a SQL list."""
    rules = rules_of(Table("t", (column,)), kinds=(), now=1_600_000_000_000_000)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE came AS SELECT unnest({values}) AS {raw_name(column.name)}")
        kind = connection.execute("DESCRIBE came").fetchall()[0][1]
        parsed = DUCK[column.dtype].parse(raw_name(column.name), kind)
        rows = connection.execute(
            f"SELECT CAST({column.name} AS VARCHAR), {fault(rules)} FROM "
            f"(SELECT *, {parsed} AS {column.name} FROM came)"
        ).fetchall()
    return [(value, rules[number - 1].name if number else None) for value, number in rows]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("int", "['7', ' 7.0 ', '7.5', 'seven', '1e20']", ["7", "7", None, None, None]),
        ("int", "[7, -7]::SMALLINT[]", ["7", "-7"]),
        ("int", "[7.0, 7.5, 'nan'::DOUBLE]", ["7", None, None]),
        ("float", "['1.5', '1,5', '0x1', '1_5']", ["1.5", None, None, None]),
        ("float", "[1.25]::DECIMAL(9, 2)[]", ["1.25"]),
        ("bool", "['Yes', 'f', '1.0', 'maybe']", ["true", "false", "true", None]),
        ("bool", "[1, 0, 2]", ["true", "false", None]),
        ("bool", "[true, false]", ["true", "false"]),
        ("date", "['2021-01-31', '2021-02-29', '20210131', '31.01.2021']", ["2021-01-31", None, None, None]),
        ("date", "[TIMESTAMP '2021-01-31 23:00:00']", ["2021-01-31"]),
        (
            "timestamp",
            "['2021-01-31 10:00:00', '2021-01-31T10:00:00+05:00', '2021-01-31', '1612137600', '-infinity']",
            ["2021-01-31 10:00:00+00", "2021-01-31 05:00:00+00", "2021-01-31 00:00:00+00", None, None],
        ),
        ("timestamp", "[DATE '2021-01-31']", ["2021-01-31 00:00:00+00"]),
        ("timestamp", "[1612137600]", [None]),
        ("list", "['a; b;;c', ';']", ["[a, b, c]", "[]"]),
        ("list", "[['a', 'b']]", ["[a, b]"]),
        ("str", "[1, 20]", ["1", "20"]),
    ],
)
def test_values_are_read_from_text_and_from_types(dtype: Dtype, values: str, expected: list[str | None]) -> None:
    assert [value for value, _ in judged(Column("c", dtype), values)] == expected


def test_a_misfit_is_named_and_bounds_hold() -> None:
    column = Column("c", "int", minimum=1, maximum=3)
    assert [rule for _, rule in judged(column, "['0', '1', '3', '4', 'x', NULL]")] == [
        "below 1",
        None,
        None,
        "above 3",
        "not an integer",
        None,
    ]
    bounded = Column("c", "float", above=0.0)
    assert [rule for _, rule in judged(bounded, "['0', '1e-9', 'inf', 'nan']")] == [
        "not above 0",
        None,
        "not finite",
        "not finite",
    ]
    chosen = Column("c", "str", required=True, choices=("in", "it's"))
    assert [rule for _, rule in judged(chosen, "['in', 'it''s', 'out', NULL]")] == [
        None,
        None,
        "unknown c",
        "missing value",
    ]


@pytest.mark.parametrize("table", [SUBSCRIBERS, USAGE, EVENTS])
def test_every_declaration_becomes_a_rule(table: Table) -> None:
    rules = {(rule.column, rule.name) for rule in rules_of(table, kinds=(), now=0)}
    for column in table.columns:
        assert (column.name, DUCK[column.dtype].misfit) in rules
        assert ((column.name, "missing value") in rules) == column.required
        assert ((column.name, f"unknown {column.name}") in rules) == bool(column.choices)
        assert any(of == column.name and name.startswith("below") for of, name in rules) == (column.minimum is not None)
        assert any(of == column.name and name.startswith("above") for of, name in rules) == (column.maximum is not None)


def test_rules_that_look_outside_the_row_are_curable() -> None:
    def curable(table: Table) -> set[tuple[str, str]]:
        rules: tuple[Rule, ...] = rules_of(table, kinds=(), now=0)
        return {(rule.column, rule.name) for rule in rules if rule.curable}

    assert curable(USAGE) == {
        ("subscriber_id", "unknown subscriber"),
        ("occurred_at", "in the future"),
        ("kind", "unknown kind"),
        ("arrived_at", "in the future"),
    }
    assert curable(EVENTS) == {
        ("subscriber_id", "unknown subscriber"),
        ("occurred_at", "in the future"),
        ("offer_id", "unknown offer"),
    }
