"""What a policy chooses among: the offers that the rules and caps have left, and what each promises."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from mia.frames import Floats, Ints
from mia.ranking.arbitration import greedy_order


@dataclass(frozen=True)
class Prospects:
    """n offers of one decision, or of D decisions at once: arrays of n, or of D x n, values.

    `worth` is what the offers are ordered by (see `Objective.merit`), -inf where an offer is no candidate of that
    decision; `acceptance` breaks ties; `doubt` is the standard deviation of the offer's rate as a share of it, 0 where
    the rate is certain.
    """

    worth: Floats
    acceptance: Floats
    doubt: Floats

    @classmethod
    def certain(cls, worth: Floats) -> Self:
        """Prospects by worth alone."""
        return cls(worth, worth, np.zeros(worth.shape))

    @cached_property
    def greedy(self) -> Ints:
        """The order by worth, candidates first; of each decision."""
        return greedy_order(self.worth, self.acceptance)

    @property
    def candidates(self) -> Floats:
        """1 for a candidate, 0 for what is none."""
        return np.asarray(self.worth > -np.inf, np.float64)
