"""A small simulated operator that went once through the whole loop, on the real parts."""

from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from mia.bootstrap import open_workspace
from mia.evaluation.gate import GateLimits
from mia.services.simulate import simulate
from mia.settings import Settings
from mia.simulator.scenario import Scenario
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text

AS_OF = day_of_text("2021-05-01")
NOON = (AS_OF * DAY_SECONDS + DAY_SECONDS // 2) * MICROSECONDS
FIT = {"trees": 40, "minimum_leaf": 20}
LENIENT = GateLimits(minimum_positives=10, minimum_auc_gain=-1.0, maximum_calibration_error=1.0)


@dataclass(frozen=True)
class World:
    """`source` holds what the simulator wrote, `home` the workspace with profiles of 1 May and champion 1."""

    source: Path
    home: Path

    def settings(self, home: Path | None = None) -> Settings:
        return Settings(home=home or self.home, threads=1, gate=LENIENT)

    def copy(self, folder: Path) -> Path:
        """A workspace of its own, to be changed at will."""
        return Path(copytree(self.home, folder / "home"))


def build_world(folder: Path, empty_models: Path) -> World:
    """250 subscribers over January to April 2021."""
    world = World(folder / "source", folder / "home")
    simulate(Scenario(subscribers=250, months=4, seed=11), world.source)
    copytree(empty_models, world.home / "models")
    opened = open_workspace(world.settings())
    opened.ingest(world.source)
    opened.refresh(AS_OF)
    opened.promote(opened.train(fit=FIT).version)
    opened.close()
    return world
