"""Runs and model versions in MLflow: SQLite beside the lake, artifacts as files, aliases instead of stages."""

import logging
import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_RUN_NAME

from mia.errors import RegistryUnavailable
from mia.frames import Floats
from mia.ports import ChampionChange, ModelVersion, Tried
from mia.storage.files import replace_durably
from mia.storage.pyfunc import write_flavour
from mia.storage.registered import ARTIFACTS, CHAMPION, CHANGE, DATABASE, MODEL, NAME, RegisteredModels

VERDICT = "gate.json"
MOST_TAG = 1_000


class MlflowRegistry(RegisteredModels):
    """Training runs and versions of the one model of a workspace: what is written, and what only MLflow tells."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # MLflow announces on standard error that it makes its tables.
        logging.getLogger("mlflow").setLevel(logging.WARNING)
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        _require_readable(folder / DATABASE)
        address = f"sqlite:///{folder / DATABASE}"
        self._client = MlflowClient(tracking_uri=address, registry_uri=address)
        self._artifacts = folder / ARTIFACTS
        self._experiment = self._experiment_here()

    def register(
        self,
        *,
        folder: Path,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: Mapping[str, Floats] | None = None,
        trials: Sequence[Tried] = (),
    ) -> str:
        """Log a run with everything in `folder` as artifacts, register its model, return the version.

        With an `example`, a few values of each column that the ranker reads, it becomes a pyfunc model as well;
        `trials` become runs nested in this one.
        """
        run = self._client.create_run(self._experiment, tags=dict(tags))
        run_id = run.info.run_id
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, run.info.start_time, 0) for name, value in metrics.items() if value == value],
            params=[Param(name, str(value)) for name, value in parameters.items()],
        )
        self._client.log_artifacts(run_id, str(folder), MODEL)
        if example is not None:
            with tempfile.TemporaryDirectory() as name:
                write_flavour(Path(name), example, run_id=run_id, made_at=run.info.start_time, artifact_path=MODEL)
                self._client.log_artifacts(run_id, name, MODEL)
        for trial in trials:
            self._log_trial(run_id, trial)
        self._client.set_terminated(run_id)
        if not self._client.search_registered_models(f"name = '{NAME}'"):
            self._client.create_registered_model(NAME)
        made = self._client.create_model_version(
            NAME, source=f"{run.info.artifact_uri}/{MODEL}", run_id=run_id, tags=dict(tags)
        )
        return str(made.version)

    def _log_trial(self, parent: str, trial: Tried) -> None:
        tags = {MLFLOW_PARENT_RUN_ID: parent, MLFLOW_RUN_NAME: f"trial {trial.number}"}
        run = self._client.create_run(self._experiment, tags=tags)
        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric("log_loss", trial.loss, run.info.start_time, trial.number)],
            params=[Param(name, str(value)) for name, value in trial.parameters.items()],
        )
        self._client.set_terminated(run.info.run_id)

    def make_champion(self, change: ChampionChange) -> None:
        """Note the change in a tag of the model, then point the alias at the version; raises UnknownModel."""
        self.attachments(change.version)
        place = len(self.champions())
        note = orjson.dumps(asdict(change)).decode()
        self._client.set_registered_model_tag(NAME, f"{CHANGE}{place:06d}", note)
        self._client.set_registered_model_alias(NAME, CHAMPION, change.version)

    def judge(self, version: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict with the version and leave the alias where it is; raises UnknownModel.

        Tags hold the outcome and its reasons in short, the artifact all of it.
        """
        self.attach(version, {VERDICT: orjson.dumps(verdict, option=orjson.OPT_INDENT_2).decode()})
        short = {
            "gate_colour": str(verdict.get("colour", "")),
            "gate_reasons": str(verdict.get("reasons", ""))[:MOST_TAG],
            "gate_override": str(verdict.get("override") or "")[:MOST_TAG],
            "gate": "passed" if verdict.get("passed") else "refused",
        }
        for name, value in short.items():
            self._client.set_model_version_tag(NAME, version, name, value)

    def attach(self, version: str, files: Mapping[str, str]) -> None:
        """Keep small text files as artifacts of the run, in the place of earlier ones; tags say where a card lies."""
        folder = self.attachments(version)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            replace_durably(folder / name, text.encode())
            if name.endswith(".html"):
                self._client.set_model_version_tag(NAME, version, name.removesuffix(".html"), str(folder / name))

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


def _require_readable(path: Path) -> None:
    """Raise RegistryUnavailable for a file that is no database: MLflow would try again for an hour."""
    if path.exists():
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA schema_version").fetchall()
        except sqlite3.DatabaseError as error:
            raise RegistryUnavailable(f"the registry {path} cannot be read: {error}") from error
