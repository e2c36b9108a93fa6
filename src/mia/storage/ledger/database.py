"""One database of the ledger: its engine, its transactions, and its errors in MIA's words."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from mia.errors import InvalidInput, InvalidSettings, LedgerUnavailable
from mia.storage.ledger.dialect import Dialect, PostgresDialect, SqliteDialect
from mia.storage.migrations import upgrade

BUSY_MILLISECONDS = 10_000
RETRY_MILLISECONDS = 20
CONNECT_SECONDS = 5
_WRITE = "mia_write"

_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MILLISECONDS}",
    # NORMAL may lose acknowledged commits when the power fails.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-65536",
    # Random ids touch the same index pages again and again: copying them home less often writes far less.
    "PRAGMA wal_autocheckpoint=16384",
)


class Database:
    """An engine with read and write transactions.

    A write transaction is alone: SQLite's BEGIN IMMEDIATE or PostgreSQL's advisory lock keeps every other writer
    out until it has committed. So positions become visible in the order they were given, also when PostgreSQL
    deals its sequence numbers to several connections, and the highest visible position is a true watermark:
    nothing will ever appear below it.
    """

    def __init__(self, engine: Engine, dialect: Dialect, clock: Callable[[], int]) -> None:
        self.engine, self.dialect, self.clock = engine, dialect, clock
        self._writer = engine.execution_options(**{_WRITE: True})
        # Each read is one statement, which sees one state of the database without a transaction around it.
        self._reader = (
            engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="AUTOCOMMIT")
        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for one statement that reads. Raises LedgerUnavailable."""
        with self._translated(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction, committed at its end.

        Raises LedgerUnavailable, and InvalidInput for values that the database cannot hold.
        """
        with self._translated(), self._writer.begin() as connection:
            self.dialect.lock(connection)
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        driver = self.engine.dialect.loaded_dbapi
        try:
            yield
        except (
            *(DataError, IntegrityError, OverflowError, UnicodeError),
            *(driver.DataError, driver.IntegrityError),
        ) as error:
            raise InvalidInput(f"the ledger cannot hold this value: {_first_line(error)}") from error
        except (SQLAlchemyError, driver.Error) as error:
            raise LedgerUnavailable(f"the ledger cannot be used: {_first_line(error)}") from error


def open_database(url: str, clock: Callable[[], int]) -> Database:
    """Connect, bring the tables to the newest migration, and return the database.

    `clock` gives microseconds since the epoch. Raises InvalidSettings for a URL that cannot be used and
    LedgerUnavailable when the server does not answer.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidSettings(f"ledger_url: {error}") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        database = Database(_sqlite_engine(parsed), SqliteDialect(), clock)
    elif backend == "postgresql":
        database = Database(_postgres_engine(parsed), PostgresDialect(), clock)
    else:
        raise InvalidSettings(f"ledger_url: {backend!r} is not one of sqlite, postgresql")
    try:
        with database.writing() as connection:
            upgrade(connection)
    except BaseException:
        database.close()
        raise
    return database


def _sqlite_engine(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise InvalidSettings("ledger_url: the ledger needs a file; a memory database would lose acknowledged events")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "first_connect", _keep_write_ahead_log)

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: those would be deferred, and could fail half-way.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITE, False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _keep_write_ahead_log(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Switch the file to a write-ahead log, which it stays in.

    Of two that switch a new file at once, SQLite refuses one without waiting: each holds what the other needs.
    The refused one lets go and asks again.
    """
    cursor = connection.cursor()
    for attempts_left in reversed(range(BUSY_MILLISECONDS // RETRY_MILLISECONDS)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not attempts_left:
                raise
            time.sleep(RETRY_MILLISECONDS / 1000)
    cursor.close()


def _postgres_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            # Errors are logged, and the values in a statement name subscribers.
            hide_parameters=True,
            pool_pre_ping=True,
            pool_timeout=CONNECT_SECONDS,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise InvalidSettings("ledger_url: PostgreSQL needs the extra `postgres` (psycopg)") from error

    def prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:  # noqa: ANN401 - psycopg's own
        # Who waits for the lock of a long load is told so, as on SQLite, and goes to the spool meanwhile.
        connection.execute(f"SET lock_timeout = {BUSY_MILLISECONDS}")
        connection.commit()

    event.listen(engine, "connect", prepare)
    return engine


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
