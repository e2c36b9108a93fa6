"""Opening one source as a relation of rows that carry their row number; damage to a whole file is refused here."""

import duckdb

from mia.errors import InvalidInput
from mia.intake.csv_file import open_csv
from mia.intake.quoting import literal
from mia.intake.raw import ROW, Raw
from mia.intake.sources import Source, first_line


def open_source(connection: duckdb.DuckDBPyConnection, source: Source, ordinal: int) -> Raw:
    """Open a source; `ordinal` makes the names of temporary tables unique. Raises InvalidInput naming the file."""
    try:
        return open_csv(connection, source, ordinal) if source.format == "csv" else _open_parquet(connection, source)
    except duckdb.Error as error:
        raise InvalidInput(f"cannot be read: {first_line(error)}", file=source.name) from error


def _open_parquet(connection: duckdb.DuckDBPyConnection, source: Source) -> Raw:
    if source.path.stat().st_size == 0:
        raise InvalidInput("the file is empty", file=source.name)
    scan = f"read_parquet({literal(str(source.path))}, hive_partitioning = false"
    described = connection.execute(f"DESCRIBE SELECT * FROM {scan})").fetchall()
    relation = (
        f'(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS "{ROW}" FROM {scan}, file_row_number = true))'
    )
    return Raw(relation, {row[0]: row[1] for row in described})
