"""Runs and model versions in MLflow: SQLite beside the lake, artifacts as files, aliases instead of stages."""

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mia.errors import UnknownModel
from mia.frames import Floats
from mia.ports import ModelVersion
from mia.storage.pyfunc import write_flavour

NAME = "mia"
CHAMPION = "champion"
VERDICT = "gate.json"
MODEL = "model"
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


class MlflowRegistry:
    """Training runs and versions of the one model of a workspace."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # MLflow announces on standard error that it makes its tables.
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        address = f"sqlite:///{folder / 'mlflow.db'}"
        self._client = MlflowClient(tracking_uri=address, registry_uri=address)
        self._artifacts = folder / "artifacts"
        self._experiment = self._experiment_here()

    def register(
        self,
        *,
        folder: Path,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: Mapping[str, Floats] | None = None,
    ) -> str:
        """Log a run with everything in `folder` as artifacts, register its model, return the version.

        With an `example`, a few values of each column that the ranker reads, it becomes a pyfunc model as well.
        """
        run = self._client.create_run(self._experiment)
        run_id = run.info.run_id
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, run.info.start_time, 0) for name, value in metrics.items() if value == value],
            params=[Param(name, str(value)) for name, value in parameters.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        self._client.log_artifacts(run_id, str(folder), MODEL)
        if example is not None:
            with tempfile.TemporaryDirectory() as name:
                write_flavour(Path(name), example, run_id=run_id, made_at=run.info.start_time, artifact_path=MODEL)
                self._client.log_artifacts(run_id, name, MODEL)
        self._client.set_terminated(run_id)
        if not self._client.search_registered_models(f"name = '{NAME}'"):
            self._client.create_registered_model(NAME)
        made = self._client.create_model_version(
            NAME, source=f"{run.info.artifact_uri}/{MODEL}", run_id=run_id, tags=dict(tags)
        )
        return str(made.version)

    def fetch(self, version: str) -> Path:
        """Folder with the artifacts of a version; raises UnknownModel."""
        try:
            run_id = self._client.get_model_version(NAME, version).run_id
        except MlflowException as error:
            raise UnknownModel(version) from error
        folder = self._artifacts / str(run_id) / "artifacts" / MODEL
        if not folder.is_dir():
            raise UnknownModel(version)
        return folder

    def champion(self) -> str | None:
        """Version behind the alias `champion`, None when there is none."""
        try:
            return str(self._client.get_model_version_by_alias(NAME, CHAMPION).version)
        except MlflowException as error:
            # A registry that is away is not one without a champion.
            if error.error_code in NOT_THERE:
                return None
            raise

    def promote(self, version: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict with the version and point the alias `champion` at it."""
        self._judge(version, verdict)
        self._client.set_registered_model_alias(NAME, CHAMPION, version)

    def refuse(self, version: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict with the version and leave the alias where it is."""
        self._judge(version, verdict)

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first."""
        champion = self.champion()
        found = self._client.search_model_versions(f"name = '{NAME}'")
        return [
            ModelVersion(
                str(one.version),
                str(one.run_id),
                int(one.creation_timestamp),
                str(one.version) == champion,
                self._client.get_run(one.run_id).data.metrics,
                one.tags,
            )
            for one in sorted(found, key=lambda one: -int(one.version))
        ]

    def _experiment_here(self) -> str:
        """The experiment that keeps its files in this folder; a workspace that was moved or copied begins a new one,
        since MLflow would go on writing to the old place.
        """
        location = self._artifacts.as_uri()
        known = self._client.search_experiments()
        for experiment in known:
            if experiment.artifact_location == location:
                return str(experiment.experiment_id)
        taken = {experiment.name for experiment in known}
        name = next(name for name in (NAME, *(f"{NAME} {number}" for number in range(2, 1_000))) if name not in taken)
        return str(self._client.create_experiment(name, artifact_location=location))

    def _judge(self, version: str, verdict: Mapping[str, Any]) -> None:
        try:
            found = self._client.get_model_version(NAME, version)
        except MlflowException as error:
            raise UnknownModel(version) from error
        self._client.set_model_version_tag(NAME, version, "gate", "passed" if verdict.get("passed") else "refused")
        self._client.log_dict(found.run_id, orjson.loads(orjson.dumps(verdict)), VERDICT)
