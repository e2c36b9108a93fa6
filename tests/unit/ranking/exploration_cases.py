"""Cases that every policy must state its propensities for, and the slow truth to compare them with."""

from math import fsum

import numpy as np

from mia.ranking.exploration import EpsilonUniform, Exploration, OptimisticPlackettLuce, PlackettLuce, Prospects

POLICIES: tuple[Exploration, ...] = (
    EpsilonUniform(0.1),
    EpsilonUniform(1.0),
    PlackettLuce(0.1, 0.5),
    PlackettLuce(1.0, 1.0),
    PlackettLuce(1.0, 0.1),
    OptimisticPlackettLuce(0.2, 0.5, 2.0),
)
CASES = {
    "one offer": ([3.0], 1),
    "ties": ([2.0, 2.0, 1.0, 2.0, 1.0], 3),
    "all of them": ([5.0, 1.0, 0.2, 3.0], 4),
    "extreme scores": ([1e6, 1e3, 1.0, 1e-3, 1e-6, 0.0], 3),
    "worth nothing": ([0.0, 0.0, 0.0], 2),
    "below nothing": ([2.0, -1.0, 0.5, -3.0], 3),
    "many offers": (np.random.default_rng(3).lognormal(0, 1, 40).tolist(), 10),
    "more places than offers": ([1.0, 2.0], 5),
}


def prospects_of(worth: list[float]) -> Prospects:
    """Prospects of one decision; the more an offer is worth, the better it is known."""
    values = np.asarray(worth, float)
    return Prospects(values, np.linspace(0.1, 0.2, len(values)), 1.0 / (1.0 + np.arange(len(values))[::-1]))


def many(prospects: Prospects) -> Prospects:
    """The same decision as a lot of one."""
    return Prospects(prospects.worth[None], prospects.acceptance[None], prospects.doubt[None])


def enumerated(rates: np.ndarray, places: int) -> np.ndarray:
    """Chance of each offer at each place, from all sets that can fill the places before.

    Only sums, products and quotients of positive numbers, so each figure is good to some 1e-15 of itself.
    """
    offers = len(rates)
    out = np.zeros((offers, places))
    sets = {0: 1.0}
    for place in range(places):
        grown: dict[int, float] = {}
        for taken, chance in sets.items():
            left = [one for one in range(offers) if not taken >> one & 1]
            total = fsum(rates[one] for one in left)
            for one in left:
                here = chance * rates[one] / total
                out[one, place] += here
                grown[taken | 1 << one] = grown.get(taken | 1 << one, 0.0) + here
        sets = grown
    return out
