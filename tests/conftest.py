"""What tests of several rooms share."""

from pathlib import Path
from shutil import copytree

import pytest
from hypothesis import HealthCheck, settings
from tests.fakes.home import build_home
from tests.fakes.world import World, build_world

from mia.storage.registry import MlflowRegistry

# A busy machine is no failure: neither a deadline nor slow data may decide a test.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def empty_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry without models, made once: MLflow takes long to set its database up."""
    folder = tmp_path_factory.mktemp("registry") / "models"
    MlflowRegistry(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory, empty_models: Path) -> Path:
    """A workspace without a model on the real parts."""
    home = build_home(tmp_path_factory.mktemp("tiny"))
    copytree(empty_models, home / "models")
    return home


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, empty_models: Path) -> World:
    """A workspace with a champion on the real parts; tests that write to it work on a copy."""
    return build_world(tmp_path_factory.mktemp("world"), empty_models)
