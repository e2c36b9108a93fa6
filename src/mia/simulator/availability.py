"""Which offers the earlier policy could show to whom: the fixed rules of the catalogue on estimated columns."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.frames import Ints
from mia.simulator.catalogue import OfferArrays

Mask = NDArray[np.bool_]

_TESTS: Mapping[str, Callable[[NDArray[Any], Any], Mask]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "in": lambda column, value: np.isin(column, value),
    "between": lambda column, value: (column >= value[0]) & (column <= value[1]),
}


def find_available(
    offers: OfferArrays,
    columns: Mapping[str, NDArray[Any]],
    *,
    regions: Ints,
    channels: Ints,
    days: Ints,
    connected: Mask,
    resting: Mask,
) -> Mask:
    """k x m: valid on the day, in the channel and region, conditions met, and neither connected nor resting."""
    mask = ~connected & ~resting
    mask &= offers.channels.T[channels] & offers.regions.T[regions]
    mask &= (days[:, None] >= offers.opens) & (days[:, None] < offers.closes)
    for place, conditions in enumerate(offers.conditions):
        for column, op, value in conditions:
            mask[:, place] &= _TESTS[op](columns[column], value)
    for place, (requires, excludes) in enumerate(zip(offers.requires, offers.excludes, strict=True)):
        for other in requires:
            mask[:, place] &= connected[:, other]
        for other in excludes:
            mask[:, place] &= ~connected[:, other]
    return mask
