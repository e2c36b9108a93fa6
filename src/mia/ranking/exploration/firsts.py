"""Offers that come before all others: they take the first places by merit, chance has its say about the rest.

Who comes first is decided by rules and not by chance, so its propensity is 1, and the others keep the exact ones of the
policy that explores, moved behind.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats
from mia.ranking.exploration.policy import Exploration
from mia.ranking.exploration.prospects import Prospects
from mia.ranking.exploration.slate import Slate


def draw_behind(
    exploration: Exploration,
    prospects: Prospects,
    first: NDArray[np.bool_],
    rest: NDArray[np.bool_],
    places: tuple[int, int],
    seed: int,
) -> Slate:
    """A slate of n candidates: those that are `first`, then those of the `rest`; what is neither stays out.

    `places` are how many there are in all, and how many the rest may have of them.
    """
    most, free = places
    leading = np.flatnonzero(first)
    if len(leading):
        leading = leading[_part(prospects, leading).greedy][:most]
    elif rest.all() and free > 0:
        return exploration.draw(prospects, min(free, most), seed)
    others = np.flatnonzero(rest)
    left = min(free, most - len(leading))
    if left <= 0:
        return Slate(leading, np.ones(len(leading)), False)
    drawn = exploration.draw(_part(prospects, others), left, seed)
    return Slate(
        np.concatenate([leading, others[drawn.order]]),
        np.concatenate([np.ones(len(leading)), drawn.propensity]),
        drawn.explored,
    )


def marginals_behind(exploration: Exploration, prospects: Prospects, first: NDArray[np.bool_], places: int) -> Floats:
    """Exact probability of each offer at each of the first `places` of D decisions, D x n x places, where the offers
    that are `first` (n) come before the others wherever they are candidates.
    """
    if not first.any():
        return exploration.marginals(prospects, places)
    leading = (prospects.candidates > 0) & first
    ahead = leading.sum(axis=1)
    out = np.zeros((*prospects.worth.shape, places))
    best = replace(prospects, worth=np.where(leading, prospects.worth, -np.inf)).greedy
    for place in range(min(places, int(ahead.max(initial=0)))):
        rows = np.flatnonzero(ahead > place)
        out[rows, best[rows, place], place] = 1.0
    for count in np.unique(ahead[ahead < places]).tolist():
        rows = np.flatnonzero(ahead == count)
        worth = np.where(first, -np.inf, prospects.worth[rows])
        behind = Prospects(worth, prospects.acceptance[rows], prospects.doubt[rows])
        out[rows, :, count:] = exploration.marginals(behind, places - count)
    return out


def _part(prospects: Prospects, which: NDArray[np.int64]) -> Prospects:
    return Prospects(prospects.worth[which], prospects.acceptance[which], prospects.doubt[which])
