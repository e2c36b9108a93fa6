"""What SQLite and PostgreSQL do differently: locking, looking up many ids, writing and reading in bulk."""

import io
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, Table, text

from mia.storage.ledger.months import create_month, month_of_micros

CHUNK_ROWS = 50_000

# Any constant will do; it must only be the same in every process that writes to the ledger.
_LEDGER_LOCK = 7_301_949_221

_COLUMN_ORDER = "SELECT {columns} FROM {table} WHERE seq > {after} ORDER BY seq{limit}"


class Dialect(Protocol):
    """Bulk operations of one database.

    `contexts` is a statement for decision_id, decided_at and placement of every decision and each name and number of
    its context, both null for a decision without; the rows of a decision come together.
    """

    contexts: str

    def lock(self, connection: Connection) -> None:
        """Keep other writers out until this transaction ends."""

    def prepare_months(self, connection: Connection, times: Iterable[int]) -> None:
        """Make room for decisions of these times (microseconds)."""

    def insert(self, connection: Connection, table: Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Insert rows that hold the named columns."""

    def load(self, connection: Connection, table: Table, content: pa.Table) -> None:
        """Insert a large Arrow table whose columns are named like those of the table."""

    def read(
        self, connection: Connection, table: Table, schema: pa.Schema, after: int, limit: int | None = None
    ) -> pa.Table:
        """The columns of `schema` of all rows after a position, or of the first `limit`, by position."""


class SqliteDialect:
    """SQLite: prepared statements on the raw driver."""

    contexts = """
        SELECT decision_id, decided_at, json_extract(body, '$.request.placement'), given.key, CAST(given.value AS REAL)
        FROM decisions
        LEFT JOIN json_each(decisions.body, '$.request.context') AS given ON given.type IN ('integer', 'real')
        ORDER BY decision_id
    """

    def lock(self, connection: Connection) -> None:
        """Nothing to do: BEGIN IMMEDIATE has locked the file."""

    def prepare_months(self, connection: Connection, times: Iterable[int]) -> None:
        """Nothing to do: one table holds every month."""

    def insert(self, connection: Connection, table: Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Insert rows that hold the named columns."""
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names are ours
        connection.exec_driver_sql(statement, rows)

    def load(self, connection: Connection, table: Table, content: pa.Table) -> None:
        """Insert a large Arrow table, chunk by chunk."""
        # Sorting whole indexes anew costs less than growing them row by row, once the load outweighs what is there.
        held = connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}").scalar_one()  # noqa: S608
        rebuilt = list(table.indexes) if content.num_rows >= max(held, CHUNK_ROWS) else []
        for index in rebuilt:
            index.drop(connection)
        for batch in content.to_batches(max_chunksize=CHUNK_ROWS):
            columns = [column.to_pylist() for column in batch.columns]
            self.insert(connection, table, content.column_names, list(zip(*columns, strict=True)))
        for index in rebuilt:
            index.create(connection)

    def read(
        self, connection: Connection, table: Table, schema: pa.Schema, after: int, limit: int | None = None
    ) -> pa.Table:
        """The columns of `schema` of all rows after a position, or of the first `limit`, by position."""
        statement = _ordered(table, schema, after, limit)
        result = connection.exec_driver_sql(statement)
        batches = []
        while rows := result.fetchmany(CHUNK_ROWS):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            batches.append(pa.record_batch(arrays, schema=schema))
        return pa.Table.from_batches(batches, schema=schema)


class PostgresDialect:
    """PostgreSQL: arrays for small writes, COPY for large ones, both without a round trip a row."""

    contexts = """
        SELECT decision_id, decided_at, asked ->> 'placement', given.key, CAST(given.value AS double precision)
        FROM decisions
        CROSS JOIN LATERAL (SELECT CAST(body AS json) -> 'request' AS asked) AS request
        LEFT JOIN LATERAL (
            SELECT key, CAST(value AS text) AS value FROM json_each(asked -> 'context')
            WHERE json_typeof(value) = 'number'
        ) AS given ON true
        ORDER BY decision_id
    """

    def __init__(self) -> None:
        self._there: set[int] = set()

    def lock(self, connection: Connection) -> None:
        """Take the advisory lock that the server gives back after the commit has become visible."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LEDGER_LOCK})

    def prepare_months(self, connection: Connection, times: Iterable[int]) -> None:
        """Make the partitions that these times fall into."""
        for month in sorted({month_of_micros(time) for time in times} - self._there):
            if not create_month(connection, month):
                # Looked for no more; only this one, because retention drops old ones.
                self._there = {month}

    def insert(self, connection: Connection, table: Table, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Insert rows that hold the named columns, as one statement over arrays."""
        dialect = connection.dialect
        types = ", ".join(f"%s::{table.c[name].type.compile(dialect)}[]" for name in names)
        # WITH ORDINALITY, because positions must follow the order of the batch.
        statement = (
            f"INSERT INTO {table.name} ({', '.join(names)}) "  # noqa: S608 - names are ours
            f"SELECT {', '.join(names)} FROM unnest({types}) WITH ORDINALITY AS given({', '.join(names)}, place) "
            "ORDER BY place"
        )
        connection.exec_driver_sql(statement, tuple(list(column) for column in zip(*rows, strict=True)))

    def load(self, connection: Connection, table: Table, content: pa.Table) -> None:
        """Insert a large Arrow table through COPY; only nulls are written without quotes."""
        statement = f"COPY {table.name} ({', '.join(content.column_names)}) FROM STDIN (FORMAT csv)"
        options = csv.WriteOptions(include_header=False)
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            for batch in content.to_batches(max_chunksize=CHUNK_ROWS):
                buffer = io.BytesIO()
                csv.write_csv(batch, buffer, options)
                copy.write(buffer.getvalue())

    def read(
        self, connection: Connection, table: Table, schema: pa.Schema, after: int, limit: int | None = None
    ) -> pa.Table:
        """The columns of `schema` of all rows after a position, or of the first `limit`, by position."""
        query = _ordered(table, schema, after, limit)
        quoted = ", ".join(field.name for field in schema if pa.types.is_string(field.type))
        statement = f"COPY ({query}) TO STDOUT (FORMAT csv, FORCE_QUOTE ({quoted}))"
        buffer = io.BytesIO()
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:  # type: ignore[attr-defined]
            for block in copy:
                buffer.write(block)
        if buffer.tell() == 0:
            return schema.empty_table()
        buffer.seek(0)
        return csv.read_csv(
            buffer,
            read_options=csv.ReadOptions(column_names=schema.names),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        ).cast(schema)


def _ordered(table: Table, schema: pa.Schema, after: int, limit: int | None) -> str:
    most = "" if limit is None else f" LIMIT {int(limit)}"
    return _COLUMN_ORDER.format(columns=", ".join(schema.names), table=table.name, after=int(after), limit=most)
