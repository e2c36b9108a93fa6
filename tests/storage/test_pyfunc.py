"""A registered version as MLflow's pyfunc, through MLflow's own tools."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from tests.fakes.frames import random_pairs
from tests.fakes.world import World

from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.registry import RANKERS
from mia.storage.registry import MlflowRegistry

OPTIONS = FitOptions("f1", seed=3, threads=1, trees=12, minimum_leaf=5)
START_SECONDS = 90


@pytest.fixture(scope="module")
def learnt():
    return random_pairs(60, 600, seed=8)


@pytest.fixture(scope="module")
def store(empty_models: Path, tmp_path_factory: pytest.TempPathFactory, learnt) -> tuple[str, dict[str, str]]:
    """Address of a registry, and in it a version of every kind of ranker."""
    folder = tmp_path_factory.mktemp("pyfunc") / "models"
    registry, versions = MlflowRegistry(folder), {}
    for name, kind in RANKERS.items():
        ranker = kind.fit(*learnt, OPTIONS)
        saved = tmp_path_factory.mktemp(name)
        ranker.save(saved)
        example = dict(zip(ranker.columns, ranker.matrix(learnt[0].take(np.arange(3))).T, strict=True))
        versions[name] = registry.register(folder=saved, parameters={}, metrics={}, tags={}, example=example)
        assert {path.name for path in saved.iterdir()} & {"MLmodel"} == set()
    return f"sqlite:///{folder / 'mlflow.db'}", versions


@pytest.fixture
def address(store, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store[0])
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", store[0])
    return store[0]


def frame_and_scores(name: str, learnt) -> tuple[pd.DataFrame, np.ndarray]:
    ranker = RANKERS[name].fit(*learnt, OPTIONS)
    pairs, _ = learnt
    return pd.DataFrame(ranker.matrix(pairs), columns=list(ranker.columns)), ranker.score(pairs)


@pytest.mark.parametrize("name", RANKERS)
def test_it_scores_as_the_ranker_does(address: str, store, learnt, name: str) -> None:
    model = mlflow.pyfunc.load_model(f"models:/mia/{store[1][name]}")
    frame, scores = frame_and_scores(name, learnt)
    assert np.array_equal(model.predict(frame), scores)
    assert np.array_equal(model.predict(frame[frame.columns[::-1]]), scores)
    assert [one.name for one in model.metadata.signature.inputs] == list(frame.columns)
    assert [one.name for one in model.metadata.signature.outputs] == ["acceptance"]
    example = model.input_example
    assert list(example.columns) == list(frame.columns)
    assert np.array_equal(model.predict(example), scores[:3])


def test_what_a_caller_does_not_know_is_missing(address: str, store, learnt) -> None:
    frame, scores = frame_and_scores("lightgbm", learnt)
    model = mlflow.pyfunc.load_model(f"models:/mia/{store[1]['lightgbm']}")
    assert len(model.predict(frame.assign(offer_price=np.nan))) == len(scores)
    with pytest.raises(mlflow.exceptions.MlflowException, match="offer_price"):
        model.predict(frame.assign(offer_price="dear"))


def test_training_needs_no_pandas(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'pandas': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from mia.storage.pyfunc import write_flavour\n"
        "import mia.bootstrap, mia.storage.registry\n"
        f"write_flavour(Path({str(tmp_path)!r}), {{'a': np.ones(2)}}, run_id='r', made_at=0, artifact_path='model')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert (tmp_path / "MLmodel").read_text().startswith("artifact_path: model\n")


def test_the_champion_of_a_workspace_is_such_a_model(world: World) -> None:
    folder = MlflowRegistry(world.home / "models").fetch("1")
    example = json.loads((folder / "serving_input_example.json").read_text())["dataframe_split"]
    model = mlflow.pyfunc.load_model(str(folder))
    scores = model.predict(pd.DataFrame(example["data"], columns=example["columns"]).astype(float))
    assert ((scores > 0) & (scores < 1)).all()


def listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_mlflow_serves_it(address: str, store, learnt, tmp_path: Path) -> None:
    frame, scores = frame_and_scores("lightgbm", learnt)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = ["-m", "mlflow", "models", "serve", "-m", f"models:/mia/{store[1]['lightgbm']}"]
    words = [sys.executable, *command, "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port), "-w", "1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
        try:
            rows = frame.head(20).astype(object).where(frame.head(20).notna(), None)
            body = {"dataframe_split": rows.to_dict("split", index=False)}
            until = time.monotonic() + START_SECONDS
            while not listens(port):
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until, (tmp_path / "log").read_text()
                time.sleep(0.3)
            told = httpx.post(f"http://127.0.0.1:{port}/invocations", json=body, timeout=60).raise_for_status().json()
        finally:
            server.terminate()
            server.wait()
    assert told["predictions"] == scores[:20].tolist()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark_runs_it(address: str, store, learnt, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    frame, scores = frame_and_scores("lightgbm", learnt)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        score = mlflow.pyfunc.spark_udf(
            session, f"models:/mia/{store[1]['lightgbm']}", result_type="double", env_manager="local"
        )
        data = session.createDataFrame(frame.head(40).assign(row=range(40)))
        told = data.withColumn("acceptance", score(*frame.columns)).select("row", "acceptance").toPandas()
    finally:
        session.stop()
    assert told.sort_values("row")["acceptance"].tolist() == scores[:40].tolist()
