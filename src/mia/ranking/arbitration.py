"""Arbitration: what a shown offer is expected to earn, and the greedy order that follows."""

import numpy as np

from mia.frames import Floats, Ints


def expected_value(acceptance: Floats, value: Floats, priority: Floats) -> Floats:
    """acceptance x margin x priority, in currency units; a neutral priority is 1."""
    return np.asarray(acceptance * value * priority)


def greedy_order(worth: Floats, acceptance: Floats) -> Ints:
    """Candidates by worth, then by acceptance, then as given: a total order, so that replay meets no tie.

    Of n candidates, or of each row of D x n.
    """
    given = np.broadcast_to(np.arange(worth.shape[-1]), worth.shape)
    return np.lexsort((given, -acceptance, -worth)).astype(np.int64)
