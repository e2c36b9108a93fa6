"""The best offers of everyone, ranked on the workers of a real Spark cluster and in this process."""

import gc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.world import AS_OF, World

from mia.bootstrap import open_workspace
from mia.storage.spark import SparkEngine

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]


def best_of(world: World, folder: Path, **engine: str) -> pa.Table:
    """The three best offers of everyone, in a copy of the world."""
    opened = open_workspace(world.settings(world.copy(folder / "home")).model_copy(update=engine))
    out = folder / "best.parquet"
    opened.builder.fold()
    assert opened.score_best("1", 3, as_of=AS_OF - 3, out=out) == pq.read_metadata(out).num_rows
    opened.close()
    gc.collect()
    return pq.read_table(out)


def test_the_same_offers_in_the_same_order(world: World, spark_cluster: SparkEngine, tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here = best_of(world, tmp_path / "here")
    there = best_of(world, tmp_path / "there", engine="spark", spark_master=spark_cluster.master)
    assert len(here) > 300
    for name in ("subscriber_id", "position", "offer_id"):
        assert there[name].equals(here[name])
    for name in ("acceptance", "expected_value"):
        assert there[name].to_numpy() == pytest.approx(here[name].to_numpy(), rel=1e-9)
