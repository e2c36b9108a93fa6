"""DuckDB and a real Spark cluster give the same roll-ups, features and offers from the same expressions.

`SPARK_RECORDS` is the number of records they do so over; CI takes fewer.
"""

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.usage_files import Size, write_lake

from mia.ports import Engine
from mia.profiles.features import FEATURE_NAMES
from mia.services.refresh import ProfileBuilder
from mia.storage.engine import DuckDBEngine
from mia.storage.spark import SparkEngine

# The driver's library leaves its sockets to the collector.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
RECORDS = int(os.environ.get("SPARK_RECORDS", "2000000"))
SIZE = Size(subscribers=RECORDS // 100, days=40, records=RECORDS)
EVENTS = pa.schema(
    [("subscriber_id", pa.string()), ("local_day", pa.int64()), ("offer_id", pa.string()), ("kind", pa.string())]
)


class NoEvents:
    """A ledger of which nothing but its empty events is asked."""

    def events(self, after: int = 0, columns: Sequence[str] | None = None) -> pa.Table:
        return EVENTS.empty_table()


def features_of(engine: Engine, folder: Path) -> pa.Table:
    """All features as of the end, of which the last day was moved on to."""
    lake = write_lake(folder / "lake", SIZE)
    builder = ProfileBuilder(lake, NoEvents(), engine)  # type: ignore[arg-type]
    assert builder.fold() == SIZE.days
    for as_of in (SIZE.as_of - 1, SIZE.as_of):
        parts = [part.features for part in builder.of_day((), as_of)]
    return pa.concat_tables(parts).sort_by("subscriber_id")


@pytest.fixture(scope="module")
def both(spark_cluster: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    engines: dict[str, Any] = {"duckdb": DuckDBEngine(), "spark": spark_cluster}
    found = {name: features_of(engine, tmp_path_factory.mktemp(name)) for name, engine in engines.items()}
    gc.collect()
    return found


def test_both_know_the_same_subscribers(both: Mapping[str, pa.Table]) -> None:
    assert both["duckdb"]["subscriber_id"].equals(both["spark"]["subscriber_id"])
    assert len(both["duckdb"]) > SIZE.subscribers * 0.9


@pytest.mark.parametrize("name", FEATURE_NAMES)
def test_the_feature_agrees(both: Mapping[str, pa.Table], name: str) -> None:
    ours, theirs = (both[engine][name].to_numpy() for engine in ("duckdb", "spark"))
    assert ours.dtype == theirs.dtype == np.float64
    assert np.isfinite(ours).any()
    np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12)
