"""Result files for people and their tools: parquet or CSV by the name, written whole or not at all."""

import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mia.errors import InvalidInput


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table to a `.parquet` or `.csv` file; raises InvalidInput for any other name or a missing folder."""
    require_writable(path)
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, staging)
    else:
        pyarrow.parquet.write_table(table, staging, compression="zstd")
    staging.replace(path)


def require_writable(path: Path) -> None:
    """Raise InvalidInput unless a result can be written there."""
    if path.suffix not in {".csv", ".parquet"}:
        raise InvalidInput("a result file is named .parquet or .csv", file=str(path))
    if not path.absolute().parent.is_dir():
        raise InvalidInput("the folder of the result file does not exist", file=str(path))
