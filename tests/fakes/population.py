"""Who is in an experiment, without a lake."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mia.domain.subscriber import Arm, ArmSplit
from mia.intake.assigned import PEOPLE_SCHEMA
from mia.services.lift import Population


class FakePopulation:
    """Subscribers as (id, region, macro-region, activation day, arm); redrawn arms are those of `ArmSplit`."""

    def __init__(self, rows: Sequence[tuple[str, str | None, str | None, int, str]], share: float = 0.5) -> None:
        self.arms = ArmSplit("fake", share)
        self._rows = sorted(rows)

    def read(self) -> Population:
        return self._with([row[4] == Arm.CONTROL for row in self._rows])

    def redrawn(self, seed: int) -> Population:
        arms = ArmSplit(f"fake:{seed}", self.arms.control_share)
        return self._with([arms.arm_of(row[0]) is Arm.CONTROL for row in self._rows])

    def _with(self, control: list[bool]) -> Population:
        columns = [pa.array(column) for column in zip(*(row[:4] for row in self._rows), strict=True)]
        people = pa.table(columns, names=PEOPLE_SCHEMA.names).cast(PEOPLE_SCHEMA) if columns else None
        return Population(PEOPLE_SCHEMA.empty_table() if people is None else people, np.array(control, bool))
