from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from tests.storage.records import a_decision, an_event

from mia.storage.ledger import open_ledger
from mia.storage.ledger.schema import METADATA


def test_an_empty_database_gets_exactly_the_tables_of_the_schema(url: str) -> None:
    ledger = open_ledger(url, lambda: 1)
    with ledger.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
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
