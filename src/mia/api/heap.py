"""The memory of a worker while it serves: what was loaded at its start is left alone by the garbage collector."""

import gc

THRESHOLDS = (20_000, 20, 100)
"""Allocations between collections of the youngest, and collections of each generation between those of the next."""


def settle_heap() -> None:
    """Take everything there is out of future collections, which would look at all of it while requests wait.

    A whole collection of the half million objects that libraries and catalogue are takes a quarter of a second; what
    requests leave behind is little, and mostly goes without a collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
