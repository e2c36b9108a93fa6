"""A registered model as MLflow's pyfunc: any tool of MLflow serves it or runs it in Spark, without knowing MIA.

Its input are the columns of the ranker's matrix by name, all numbers and any of them missing; its output is the
acceptance. The files are written by hand in the form that MLflow reads, since MLflow's own writer needs pandas, which
training does without.
"""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
import yaml

from mia.frames import Floats
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.registry import load_ranker

OUTPUT = "acceptance"
EXAMPLE, SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"
REQUIREMENTS, ENVIRONMENT = "requirements.txt", "python_env.yaml"
NEEDED = ("mia", "mlflow-skinny", "lightgbm", "numpy")


class Frame(Protocol):
    """What is used of a data frame."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a column of any library
        """A column by name."""


class Acceptance:
    """What MLflow calls: one acceptance in [0, 1] a row."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker

    def predict(self, model_input: Frame, params: Mapping[str, Any] | None = None) -> Floats:  # noqa: ARG002
        """Acceptance of the rows of a data frame that has the columns of the ranker."""
        columns = [np.asarray(model_input[name], np.float64) for name in self._ranker.columns]
        return self._ranker.acceptance(np.column_stack(columns))


def _load_pyfunc(path: str) -> Acceptance:
    """Entry point of MLflow, under the name that it asks for."""
    return Acceptance(load_ranker(Path(path)))


def write_flavour(
    folder: Path, example: Mapping[str, Floats], *, run_id: str, made_at: int, artifact_path: str
) -> None:
    """Write what makes the files of a ranker a pyfunc model: MLmodel with the signature, example and requirements.

    `example` holds the same few rows of every column, in order; `made_at` is in milliseconds since the epoch.
    """
    rows = {"columns": list(example), "data": np.column_stack(list(example.values()))}
    for name, content in ((EXAMPLE, rows), (SERVING_EXAMPLE, {"dataframe_split": rows})):
        (folder / name).write_bytes(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))
    needed = [f"{name}=={metadata.version(name)}" for name in NEEDED]
    (folder / REQUIREMENTS).write_text("\n".join([*needed, "pandas>=3", ""]), "utf-8")
    environment = {"python": platform.python_version(), "dependencies": [f"-r {REQUIREMENTS}"]}
    (folder / ENVIRONMENT).write_text(yaml.safe_dump(environment), "utf-8")
    inputs = [{"type": "double", "name": name, "required": False} for name in example]
    outputs = [{"type": "double", "name": OUTPUT, "required": True}]
    model = {
        "artifact_path": artifact_path,
        "flavors": {
            "python_function": {
                "loader_module": __name__,
                "python_version": platform.python_version(),
                "env": {"virtualenv": ENVIRONMENT},
            }
        },
        "mlflow_version": metadata.version("mlflow-skinny"),
        "model_uuid": run_id,
        "run_id": run_id,
        "saved_input_example_info": {
            "artifact_path": EXAMPLE,
            "serving_input_path": SERVING_EXAMPLE,
            "type": "dataframe",
            "pandas_orient": "split",
        },
        "signature": {"inputs": _json(inputs), "outputs": _json(outputs), "params": None},
        "utc_time_created": f"{datetime.fromtimestamp(made_at / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}",
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(model, sort_keys=False, allow_unicode=True), "utf-8")


def _json(columns: list[dict[str, Any]]) -> str:
    return orjson.dumps(columns).decode()
