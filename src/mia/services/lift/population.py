"""Who is in the experiment: the subscribers of the lake."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from threading import Lock

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.domain.region import Region
from mia.domain.subscriber import ArmSplit
from mia.frames import Ints
from mia.intake.assigned import ACTIVATED_DAY, assign_arms, read_people
from mia.ports import Lake
from mia.tables import SUBSCRIBER_ID, SUBSCRIBERS

AA_SALT = "aa"


@dataclass(frozen=True, slots=True)
class Population:
    """n subscribers in a fixed order: `people` as `mia.intake.assigned.PEOPLE_SCHEMA`, and who is in arm control."""

    people: pa.Table
    control: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.people.num_rows)

    @property
    def activated(self) -> Ints:
        """Local day of activation, n; without one a subscriber was always there."""
        return np.asarray(self.people[ACTIVATED_DAY].fill_null(0).to_numpy(), np.int64)


class PopulationReader:
    """Reads the subscribers of the lake, anew only when it holds other files. Safe to share between threads."""

    def __init__(
        self,
        lake: Lake,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        regions: Mapping[str, Region],
        arms: ArmSplit,
    ) -> None:
        self._lake, self._connect, self._regions, self.arms = lake, connect, regions, arms
        self._lock = Lock()
        self._read: tuple[tuple[str, ...], Population] | None = None

    def read(self) -> Population:
        """All subscribers with the arms they are assigned to."""
        with self._lock:
            paths = tuple(self._lake.paths(SUBSCRIBERS.name))
            if self._read is None or self._read[0] != paths:
                with closing(self._connect()) as engine:
                    people = read_people(engine, paths, self._regions)
                self._read = paths, Population(people, self._control(people, self.arms))
            return self._read[1]

    def redrawn(self, seed: int) -> Population:
        """All subscribers with arms drawn anew for an A/A test, at the same share."""
        people = self.read().people
        salt = f"{self.arms.salt}:{AA_SALT}:{seed}"
        return Population(people, self._control(people, ArmSplit(salt, self.arms.control_share)))

    def _control(self, people: pa.Table, arms: ArmSplit) -> NDArray[np.bool_]:
        with closing(self._connect()) as engine:
            return np.asarray(assign_arms(engine, people[SUBSCRIBER_ID], arms).to_numpy())
