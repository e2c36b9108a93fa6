"""What tests of several rooms share."""

from pathlib import Path

import pytest
from tests.fakes.home import build_home


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace without a model on the real parts, made once: MLflow takes long to set its database up."""
    return build_home(tmp_path_factory.mktemp("tiny"))
