"""What makes two events with one id the same event: a digest of what the client said happened.

What MIA fills in itself (region, macro-region, local day, arm) is left out: a client that repeats an event after
the subscriber moved or after an arm was drawn anew has still said the same thing.
"""

import hashlib
import struct

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.domain.event import Event

CONTENT = (
    tables.OCCURRED_AT,
    tables.SUBSCRIBER_ID,
    tables.OFFER_ID,
    tables.KIND,
    tables.CHANNEL,
    tables.DECISION_ID,
    tables.POSITION,
    tables.PROPENSITY,
)

_SEPARATOR = "\x1f"
_NULL = "\x1e"
# 15 hexadecimal digits are 60 bits, which fit a signed 64-bit column.
_HEX_DIGITS = 15


def digest_of(event: Event) -> int:
    """Digest of one event, in [0, 2**60)."""
    bits = None if event.propensity is None else struct.unpack("<q", struct.pack("<d", event.propensity))[0]
    parts = (
        event.occurred_at,
        event.subscriber_id,
        event.offer_id,
        event.kind.value,
        event.channel,
        event.decision_id,
        event.position,
        bits,
    )
    text = _SEPARATOR.join([_NULL if part is None else str(part) for part in parts])
    return int(hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS], 16)


def digests_of(events: pa.Table) -> pa.ChunkedArray:
    """Digests of n events in a table with the columns of `CONTENT`; equal to `digest_of` of each."""
    columns = [events[name].combine_chunks() for name in CONTENT]
    # As bits, because engines print floats differently.
    columns[-1] = columns[-1].view(pa.int64())
    texts = [column.cast(pa.string()) for column in columns]
    joined = pa.table(
        {"text": pc.binary_join_element_wise(*texts, _SEPARATOR, null_handling="replace", null_replacement=_NULL)}
    )
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("joined", joined)
        return connection.sql(
            f"SELECT CAST('0x' || left(sha256(text), {_HEX_DIGITS}) AS BIGINT) AS digest FROM joined"  # noqa: S608
        ).to_arrow_table()["digest"]
