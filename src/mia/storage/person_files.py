"""The rows of one person in files: found, and left out of a copy, without reading a large file whole."""

import re
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from mia.storage.files import table_writer

_LINES = pyarrow.csv.ParseOptions(newlines_in_values=True)


def rows_of(path: Path, column: str, values: Collection[str]) -> pa.Table:
    """The rows of a parquet file that have one of the values in a column; none where there is no such column."""
    schema = pyarrow.parquet.read_schema(path)
    if column not in schema.names or not values:
        return schema.empty_table()
    return pyarrow.parquet.read_table(path, filters=[(column, "in", set(values))])


def write_without(path: Path, out: Path, column: str, values: Collection[str]) -> int:
    """Write a parquet file without the rows that have one of the values in a column; returns the rows that stay."""
    unwanted = pa.array(sorted(values), pa.string())
    kept = 0
    with pyarrow.parquet.ParquetFile(path) as source:
        codec = source.metadata.row_group(0).column(0).compression
        with pyarrow.parquet.ParquetWriter(out, source.schema_arrow, compression=codec) as writer:
            for batch in source.iter_batches():
                left = batch.filter(pc.invert(pc.fill_null(pc.is_in(batch[column], unwanted), False)))
                kept += left.num_rows
                writer.write_batch(left)
    return kept


def rejects_of(path: Path, subscriber_id: str) -> pa.Table:
    """Rows of a file of rejects whose raw values name a subscriber."""
    rejects = _read_rejects(path)
    return rejects.filter(_names(rejects, subscriber_id))


def drop_rejects(path: Path, subscriber_id: str) -> int:
    """Leave such rows out of a file of rejects, which goes when none is left; returns how many there were."""
    rejects = _read_rejects(path)
    left = rejects.filter(pc.invert(_names(rejects, subscriber_id)))
    gone: int = rejects.num_rows - left.num_rows
    if gone and not left.num_rows:
        path.unlink()
    elif gone:
        with table_writer(path) as write:
            write(left)
    return gone


def _read_rejects(path: Path) -> pa.Table:
    with path.open("rb") as file:
        names = file.readline().decode().strip().replace('"', "").split(",")
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    return pyarrow.csv.read_csv(path, parse_options=_LINES, convert_options=options)


def _names(rejects: pa.Table, subscriber_id: str) -> pa.ChunkedArray:
    """Which rows hold the id as a word of its own."""
    # The engine of these expressions knows no escaped blank.
    literal = re.escape(subscriber_id).replace("\\ ", " ")
    word = rf"(^|[^0-9A-Za-z_-]){literal}($|[^0-9A-Za-z_-])"
    return pc.fill_null(pc.match_substring_regex(rejects["raw"], word), False)
