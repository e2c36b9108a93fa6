"""What the tests of faults share."""

from collections.abc import Iterator

import pytest
from tests.fakes.postgres import Postgres, open_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that a test may stop, if it starts it again."""
    with open_postgres() as server:
        yield server
