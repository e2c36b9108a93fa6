"""Arbitration: what a shown offer is expected to earn, what a model orders by, and the greedy order that follows."""

from enum import StrEnum

import numpy as np

from mia.frames import Floats, Ints


class Objective(StrEnum):
    """What the best offer has the most of."""

    ACCEPTANCE = "acceptance"
    VALUE = "value"

    def merit(self, acceptance: Floats, worth: Floats) -> Floats:
        """What offers are ordered by: the acceptance itself, or the expected value (`worth`).

        >>> Objective.VALUE.merit(np.asarray([0.5, 0.1]), np.asarray([10.0, 20.0])).tolist()
        [10.0, 20.0]
        """
        return acceptance if self is Objective.ACCEPTANCE else worth


def expected_value(acceptance: Floats, value: Floats, priority: Floats) -> Floats:
    """acceptance x margin x priority, in currency units; a neutral priority is 1."""
    return np.asarray(acceptance * value * priority)


def greedy_order(merit: Floats, acceptance: Floats) -> Ints:
    """Candidates by merit, then by acceptance, then as given: a total order, so that replay meets no tie.

    Of n candidates, or of each row of D x n.
    """
    given = np.broadcast_to(np.arange(merit.shape[-1]), merit.shape)
    return np.lexsort((given, -acceptance, -merit)).astype(np.int64)
