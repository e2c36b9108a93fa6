"""What decisions were asked with, in columns: read out of their JSON by the database itself."""

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from mia import tables
from mia.storage.ledger.dialect import CHUNK_ROWS

CONTEXT_SCHEMA = pa.schema(
    [
        pa.field(tables.DECISION_ID, pa.string(), nullable=False),
        pa.field(tables.DECIDED_AT, pa.int64(), nullable=False),
        pa.field(tables.PLACEMENT, pa.string()),
        pa.field(tables.CONTEXT, pa.map_(pa.string(), pa.float64()), nullable=False),
    ]
)


def read(connection: Connection, statement: str) -> pa.Table:
    """Fold the rows of the statement, one a decision and number in order of decisions, into one row a decision."""
    result = connection.exec_driver_sql(statement)
    batches = []
    while rows := result.fetchmany(CHUNK_ROWS):
        columns = zip(*rows, strict=True)
        types = (pa.string(), pa.int64(), pa.string(), pa.string(), pa.float64())
        batches.append(pa.record_batch([pa.array(*one) for one in zip(columns, types, strict=True)], list("drpkv")))
    if not batches:
        return CONTEXT_SCHEMA.empty_table()
    found = pa.Table.from_batches(batches).combine_chunks()
    ids, names = found["d"].combine_chunks(), found["k"].combine_chunks()
    codes = ids.dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    carried = names.is_valid().to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(carried)])[np.append(starts, len(codes))]
    kept = pa.array(carried)
    context = pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), names.filter(kept), found["v"].combine_chunks().filter(kept)
    )
    first = found.take(pa.array(starts))
    whole = [first["d"].combine_chunks(), first["r"].combine_chunks(), first["p"].combine_chunks(), context]
    return pa.Table.from_arrays(whole, schema=CONTEXT_SCHEMA)
