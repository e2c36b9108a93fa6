"""Placement and model version of decisions, looked up for many at once."""

from collections.abc import Sequence

import orjson
import pyarrow as pa
from sqlalchemy import Connection

from mia import tables
from mia.storage.ledger.dialect import CHUNK_ROWS

DECIDED_SCHEMA = pa.schema(
    [
        pa.field(tables.DECISION_ID, pa.string(), nullable=False),
        pa.field(tables.PLACEMENT, pa.string()),
        pa.field(tables.MODEL_VERSION, pa.string()),
    ]
)

_STATEMENTS = {
    "sqlite": "SELECT decision_id, json_extract(body, '$.request.placement'), model_version FROM decisions "
    "WHERE decision_id IN (SELECT value FROM json_each(?))",
    "postgresql": "SELECT decision_id, CAST(body AS json) -> 'request' ->> 'placement', model_version FROM decisions "
    "WHERE decision_id = ANY(%s::text[])",
}


def read(connection: Connection, decision_ids: Sequence[str]) -> pa.Table:
    """Rows of `DECIDED_SCHEMA` of those decisions that are kept."""
    name = connection.dialect.name
    batches = []
    for start in range(0, len(decision_ids), CHUNK_ROWS):
        chunk = list(decision_ids[start : start + CHUNK_ROWS])
        asked = orjson.dumps(chunk).decode() if name == "sqlite" else chunk
        rows = connection.exec_driver_sql(_STATEMENTS[name], (asked,)).fetchall()
        columns = zip(*rows, strict=True) if rows else ([], [], [])
        arrays = [pa.array(column, field.type) for column, field in zip(columns, DECIDED_SCHEMA, strict=True)]
        batches.append(pa.record_batch(arrays, schema=DECIDED_SCHEMA))
    return pa.Table.from_batches(batches, schema=DECIDED_SCHEMA)
