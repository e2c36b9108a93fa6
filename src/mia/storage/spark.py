"""The data engine on a Spark cluster: the same Ibis expressions, rendered as Spark SQL.

Driver and workers read and write the lake under the same path, so on several machines it lies on a shared file system.
Only what a profile range holds comes to the driver.
"""

import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession, functions
from pyspark.sql.types import ArrayType, DataType

from mia.tables import SUBSCRIBER_ID

# Rendering Spark SQL needs the options that this backend brings along.
DIALECT = ibis.pyspark.name
_DAY, _BUCKET = "partition_day", "bucket"


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """Opens sessions on one Spark application. `master` is a Spark URL: spark://host:port, local[2]."""

    master: str
    memory: str = "1g"
    partitions: int = 8

    def open(self) -> "SparkLakeSession":
        """A fresh session; the application starts with the first one."""
        return SparkLakeSession(self.application())

    def application(self) -> SparkSession:
        """The Spark application: UTC, Arrow, and no console progress."""
        session = (
            SparkSession.builder.master(self.master)
            .appName("mia")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", str(self.partitions))
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .config("spark.sql.parquet.mergeSchema", "true")
            .config("spark.sql.debug.maxToStringFields", "1000")
            .config("spark.driver.memory", self.memory)
            .config("spark.executor.memory", self.memory)
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        return session

    def stop(self) -> None:
        """End the application."""
        self.application().stop()


class SparkLakeSession:
    """Named views of one Spark application; they go when the session closes."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._views: list[str] = []

    def __enter__(self) -> "SparkLakeSession":
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._views:
            self._spark.catalog.dropTempView(name)

    def read(self, paths: Sequence[str]) -> ibis.Table:
        """A table over parquet files, read by column name."""
        return self._view(self._spark.read.parquet(*paths))

    def table(self, data: pa.Table) -> ibis.Table:
        """A table over Arrow data in memory."""
        return self._view(self._spark.createDataFrame(data))

    def fetch(self, expression: ibis.Table) -> pa.Table:
        """Run an expression."""
        return self.run(expression).toArrow()

    def run(self, expression: ibis.Table) -> DataFrame:
        """The expression as a data frame of Spark.

        Spark reads 0.0 as a decimal number, so columns are given the types that the expression promises.
        """
        found = self._spark.sql(ibis.to_sql(expression, dialect=DIALECT))
        floats = {name for name, kind in expression.schema().items() if kind.is_floating()}
        return found.select(*(found[name].cast("double") if name in floats else found[name] for name in found.columns))

    def transform(
        self, tables: Mapping[str, ibis.Table], function: Callable[[Mapping[str, pa.Table]], pa.Table], folder: Path
    ) -> pa.Table:
        """Run a function over the results of some expressions on the workers, bucket by bucket of subscribers.

        A bucket holds all rows of its subscribers in every table. `folder` is used in between and must not be there.
        """
        schemas = {name: table.schema().to_pyarrow() for name, table in tables.items()}
        buckets = self._spark.sparkContext.defaultParallelism
        number = functions.pmod(functions.hash(SUBSCRIBER_ID), functions.lit(buckets))
        for name, table in tables.items():
            frame = self.run(table).withColumn(_BUCKET, number)
            frame.repartition(_BUCKET).write.partitionBy(_BUCKET).parquet(str(folder / name))

        def of_buckets(frames: Iterable[pd.DataFrame]) -> Iterable[pd.DataFrame]:
            for frame in frames:
                for bucket in frame[_BUCKET]:
                    yield function(
                        {name: _read_bucket(folder / name, bucket, schema) for name, schema in schemas.items()}
                    ).to_pandas()

        result = function({name: schema.empty_table() for name, schema in schemas.items()}).schema
        numbers = self._spark.createDataFrame(pa.table({_BUCKET: range(buckets)})).repartition(buckets, _BUCKET)
        kinds = self._spark.createDataFrame(result.empty_table()).schema
        found = numbers.mapInPandas(of_buckets, kinds).toArrow()
        shutil.rmtree(folder)
        return found.cast(result)

    def write(self, expression: ibis.Table, path: Path) -> int:
        """Run an expression into one parquet file, in no order; returns its rows."""
        staging = path.with_name(f"{path.stem}-{uuid.uuid4().hex}")
        self.run(expression).coalesce(1).write.parquet(str(staging))
        (written,) = staging.glob("part-*.parquet")
        written.rename(path)
        shutil.rmtree(staging)
        return int(pq.read_metadata(path).num_rows)

    def write_by_day(
        self, expression: ibis.Table, folder: Path, *, column: str, order_by: Sequence[str]
    ) -> list[tuple[int, Path, int]]:
        """Run an expression into files of one day each below `folder`; `column` holds the day and stays in the files.

        Returns day, path and number of rows of every file.
        """
        days = self.run(expression.mutate(**{_DAY: expression[column]}))
        ordered = days.repartition(_DAY).sortWithinPartitions(_DAY, *order_by)
        ordered.write.partitionBy(_DAY).parquet(str(folder))
        found = [
            (int(path.parent.name.removeprefix(f"{_DAY}=")), path, int(pq.read_metadata(path).num_rows))
            for path in folder.glob(f"{_DAY}=*/part-*.parquet")
        ]
        for extra in (*folder.rglob(".*.crc"), *folder.glob("_SUCCESS")):
            extra.unlink()
        return sorted(found)

    def _view(self, frame: DataFrame) -> ibis.Table:
        name = f"view_{uuid.uuid4().hex}"
        frame.createOrReplaceTempView(name)
        self._views.append(name)
        return ibis.table({field.name: _ibis_type(field.dataType) for field in frame.schema.fields}, name=name)


_TYPES = {
    "string": "string",
    "bigint": "int64",
    "int": "int32",
    "smallint": "int16",
    "tinyint": "int8",
    "double": "float64",
    "float": "float32",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp('UTC')",
    "timestamp_ntz": "timestamp",
}


def _ibis_type(kind: DataType) -> str:
    if isinstance(kind, ArrayType):
        return f"array<{_ibis_type(kind.elementType)}>"
    return _TYPES[kind.simpleString()]


def _read_bucket(folder: Path, bucket: int, schema: pa.Schema) -> pa.Table:
    files = sorted(folder.glob(f"{_BUCKET}={bucket}/part-*.parquet"))
    tables = [pq.ParquetFile(file).read(columns=schema.names) for file in files]
    return pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
