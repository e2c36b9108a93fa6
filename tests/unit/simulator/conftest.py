import pytest

from mia.simulator.scenario import Scenario
from mia.simulator.world import build_world


@pytest.fixture(scope="session")
def world():
    return build_world(Scenario(subscribers=1_500, months=3, seed=11))
