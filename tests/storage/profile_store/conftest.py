"""A store of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mia.storage.profile_store import LmdbProfileStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbProfileStore]:
    opened = LmdbProfileStore(tmp_path / "profiles")
    yield opened
    opened.close()
