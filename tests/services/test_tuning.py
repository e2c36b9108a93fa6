"""Tuning on the real parts: bounded, resumed, the same again, and told in the registry."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tests.fakes.world import FIT, World

from mia.bootstrap import Workspace, open_workspace
from mia.services.train import SPACE, Budget

LONG = 3_600.0
SMALL = {**FIT, "trees": 10}


@pytest.fixture
def opened(world: World, tmp_path: Path):
    found = open_workspace(world.settings(world.copy(tmp_path)))
    yield found
    found.close()


def parameters(opened: Workspace, version: str) -> dict[str, str]:
    client = MlflowClient(tracking_uri=f"sqlite:///{opened.home / 'models' / 'mlflow.db'}")
    (model,) = [one for one in opened.registry.versions() if one.version == version]
    return client.get_run(model.run_id).data.params


def children(opened: Workspace, version: str) -> list[tuple[float, dict[str, str]]]:
    client = MlflowClient(tracking_uri=f"sqlite:///{opened.home / 'models' / 'mlflow.db'}")
    (model,) = [one for one in opened.registry.versions() if one.version == version]
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.mlflow.parentRunId = '{model.run_id}'")
    return sorted((run.data.metrics["log_loss"], run.data.params) for run in runs)


def test_the_best_trial_makes_the_model_and_all_are_told(opened: Workspace) -> None:
    done = opened.train(fit=SMALL, tune=Budget(LONG, trials=3))
    found = children(opened, done.version)
    assert len(found) == 3
    used = parameters(opened, done.version)
    assert {name: used[name] for name in SPACE} == found[0][1]
    assert used["trees"] == "10"
    # Taken up again: nothing is left to try, and the same parameters win.
    again = opened.train(fit=SMALL, tune=Budget(LONG, trials=3))
    assert children(opened, again.version) == found
    files = [opened.registry.fetch(version) / "model-0.txt" for version in (done.version, again.version)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_no_time_is_one_trial(opened: Workspace) -> None:
    done = opened.train(fit=SMALL, tune=Budget(0.0))
    assert len(children(opened, done.version)) == 1
