from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from tests.storage.records import a_decision, an_event

from mia.domain.decision import Decision
from mia.domain.event import EventKind, Outcome
from mia.storage import migrations
from mia.storage.ledger import open_ledger
from mia.storage.ledger.decisions import COLUMNS
from mia.storage.ledger.decisions import encode as encode_decision
from mia.storage.ledger.events import EVENT_SCHEMA
from mia.storage.ledger.events import encode as encode_event
from mia.storage.ledger.months import partitions
from mia.storage.ledger.schema import METADATA
from mia.storage.migrations import NEWEST, upgrade

DAY = 86_400 * 1_000_000
EVENT_COLUMNS = (*EVENT_SCHEMA.names, "recorded_at", "digest")
OLD_COLUMNS = [name for name in COLUMNS if name not in ("decision_position", "reserved_until", "shown")]


def is_no_partition(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or not str(name).startswith("decisions_2")


def fill_first_version(url: str, events: list[Any], decisions: list[Decision]) -> None:
    """A ledger as the first migration made it, with content."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection, "0001")
        for event in events:
            row, digest = encode_event(event)
            insert(connection, "events", EVENT_COLUMNS, (*row, 1, digest))
        for decision in decisions:
            row = dict(zip(COLUMNS, encode_decision(decision), strict=True))
            insert(connection, "decisions", OLD_COLUMNS, [row[name] for name in OLD_COLUMNS])
    engine.dispose()


def insert(connection: Connection, table: str, names: Sequence[str], row: Sequence[Any]) -> None:
    values = ", ".join(f":{name}" for name in names)
    statement = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})")
    connection.execute(statement, dict(zip(names, row, strict=True)))


def test_a_full_ledger_goes_forward_with_equal_figures(url: str) -> None:
    events = [
        an_event(
            f"e{number}", subscriber_id=f"s{number % 3}", offer_id=f"o{number % 2}", kind=list(EventKind)[number % 5]
        )
        for number in range(30)
    ]
    plain = a_decision(context={})
    decisions = [
        replace(
            plain if number % 2 else a_decision(offers=()),
            decision_id=f"d{number}",
            ledger_position=number,
            request=replace(plain.request, request_id=f"r{number}", at=plain.request.at + 20 * number * DAY),
        )
        for number in range(6)
    ]
    fill_first_version(url, events, decisions)
    ledger = open_ledger(url, lambda: 1)
    assert ledger.events().drop(["seq"]).to_pylist() == [asdict(event) for event in events]
    assert [ledger.decision(one.decision_id) for one in decisions] == decisions
    assert [ledger.answered(f"r{number}") for number in range(6)] == decisions
    counts = ledger.connections_by_offer()
    assert counts == {"o0": 3, "o1": 3}
    for offer_id, connected in counts.items():
        assert ledger.past("s9", at=0, budgets={offer_id: connected}).exhausted == {offer_id}
        assert ledger.past("s9", at=0, budgets={offer_id: connected + 1}).exhausted == frozenset()
    assert ledger.past("s1", at=plain.request.at).reserved == ()
    # And it goes on: repeats are known, new rows come after the old ones.
    assert ledger.append_events(events[:2]) == [Outcome.DUPLICATE] * 2
    assert ledger.append_decisions([decisions[2]]) == [decisions[2]]
    fresh = replace(plain, decision_id="new", reserved_until=plain.request.at + 1)
    ledger.append_decisions([fresh])
    assert ledger.past("s1", at=plain.request.at).decision_position == 7
    with ledger.database.reading() as connection:
        if url.startswith("postgresql"):
            months = ["2021_01", "2021_02", "2021_03", "2021_04"]
            assert partitions(connection) == [f"decisions_{month}" for month in months]
        shown = connection.execute(text("SELECT shown FROM decisions ORDER BY seq LIMIT 2")).scalars().all()
    assert [orjson.loads(one) for one in shown] == [[], ["music", "video"]]
    ledger.close()


def test_an_empty_database_gets_exactly_the_tables_of_the_schema(url: str) -> None:
    ledger = open_ledger(url, lambda: 1)
    with ledger.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_no_partition})
        assert compare_metadata(context, METADATA) == []
    inspector = inspect(ledger.database.engine)
    for table in METADATA.sorted_tables:
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert indexes == {index.name for index in table.indexes}
    ledger.close()


def test_opening_again_keeps_everything(url: str) -> None:
    ledger = open_ledger(url, lambda: 1)
    ledger.append_events([an_event()])
    ledger.append_decisions([a_decision(request_id="r1")])
    position = ledger.position()
    ledger.close()
    again = open_ledger(url, lambda: 2)
    assert again.position() == position
    assert again.answered("r1") == a_decision(request_id="r1")
    again.close()


def test_several_workers_may_open_an_empty_ledger_at_once(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        ledgers = list(pool.map(lambda _: open_ledger(url, lambda: 1), range(8)))
    for number, ledger in enumerate(ledgers):
        ledger.append_events([an_event(f"e{number}")])
    assert ledgers[0].events().num_rows == 8
    for ledger in ledgers:
        ledger.close()


def test_the_newest_version_is_the_last_of_the_migrations() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [NEWEST]
