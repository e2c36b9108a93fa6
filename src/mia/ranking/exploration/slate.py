"""What a policy shows."""

from dataclasses import dataclass

from mia.frames import Floats, Ints


@dataclass(frozen=True, slots=True)
class Slate:
    """The first places of an order: `order` are candidate numbers, `propensity` one value a place, in (0, 1]."""

    order: Ints
    propensity: Floats
    explored: bool
