"""Who comes in at which place of a race of independent runners: the exact marginals of a random order.

When offer i finishes at a random time with density f_i and distribution F_i, independent of the others, it comes in
at place k when exactly k - 1 others are before it:

    P(i at k) = integral of f_i(t) P(exactly k - 1 of the others have finished by t) dt.

The count of those before is Poisson-binomial (Poisson, S. D., 1837): its probabilities are the coefficients of the
product of (1 - F_j) + F_j z over j. All products that leave one runner out come from one balanced tree, up and down
again, in which every term is positive, so nothing cancels. With exponential times of rate w_i the order is that of
Plackett (1975) and Luce (1959), and the integral is taken by the double exponential rule of Takahasi, H., Mori, M.
(1974), t = exp(s - exp(-s)). Against enumeration the relative error stays below 1e-12.
"""

import numpy as np

from mia.frames import Floats, Ints

STEP = 1.0 / 6.0
"""Distance of the nodes in s; halving it moves no result by more than the error of the sums."""
BEGIN = -3.7
"""First node in s: exp(s - exp(-s)) is 6e-18 of the time in which one runner of all comes in."""
END = 40.0
"""exp(-END) is what may still come in after the last node."""


def exponential_places(rates: Floats, places: int, wanted: Ints | None = None) -> Floats:
    """Chance of each of n runners, with exponential rates, to come in at each of the first places: D x n x places.

    `rates` are D x n, 0 for who does not run; `wanted` are the numbers of the runners asked for, all by default.
    A place beyond the number of runners has chance 0.
    """
    decisions, runners = rates.shape
    total = rates.sum(axis=1, keepdims=True)
    shares = rates / np.where(total > 0, total, 1.0)
    asked = np.arange(runners) if wanted is None else wanted
    kept = min(places, runners)
    out = np.zeros((decisions, len(asked), places))
    if not decisions or not len(asked) or not kept:
        return out
    time, step = _nodes(shares, kept)
    load = shares.T[:, :, None] * time
    waiting, passed = np.exp(-load), -np.expm1(-load)
    density = (shares.T[:, :, None] * waiting * step)[asked]
    out[:, :, :kept] = race_places(density, waiting, passed, asked, kept)
    return out


def race_places(density: Floats, waiting: Floats, passed: Floats, wanted: Ints, places: int) -> Floats:
    """Chance of each wanted runner at each place, D x w x places, from values at Q nodes of time.

    `density` (w x D x Q) is f_i dt at the nodes, `passed` (n x D x Q) is F_j there and `waiting` is 1 - F_j, given
    apart so that neither loses digits; `wanted` (w) are places in the first axis of the latter two.
    """
    others = np.ones(len(passed), bool)
    others[wanted] = False
    rest = _product(_leaves(waiting[others], passed[others], places), places)
    ahead = _leave_one_out(_leaves(waiting[wanted], passed[wanted], places), rest, places)
    out = np.zeros((density.shape[1], len(wanted), places))
    out[:, :, : len(ahead)] = np.einsum("wdq,kwdq->dwk", density, ahead)
    return out


def _nodes(shares: Floats, places: int) -> tuple[Floats, Floats]:
    """Times and their weights, for rates that sum to 1: until even the slowest who may fill the last place are in."""
    running = (shares > 0).sum(axis=1)
    slowest = np.cumsum(np.sort(shares, axis=1), axis=1)
    last = shares.shape[1] - np.minimum(places, np.maximum(running, 1))
    least = slowest[np.arange(len(shares)), last]
    end = np.log(END / least[least > 0].min(initial=1.0))
    s = np.arange(BEGIN, end + STEP, STEP)
    time = np.exp(s - np.exp(-s))
    return time, STEP * time * (1.0 + np.exp(-s))


def _leaves(waiting: Floats, passed: Floats, places: int) -> Floats:
    """One factor a runner, coefficients first: 2 x n x D x Q, of which only `places` are ever needed."""
    return np.stack([waiting, passed])[:places]


def _times(left: Floats, right: Floats, places: int) -> Floats:
    """Product of two polynomials, coefficients first, cut after `places` of them."""
    degree = min(places, len(left) + len(right) - 1)
    out = np.zeros((degree, max(left.shape[1], right.shape[1]), *left.shape[2:]))
    for power, factor in enumerate(left[:degree]):
        out[power : power + len(right)] += factor * right[: degree - power]
    return out


def _even(level: Floats) -> Floats:
    """The level with a factor 1 added where its number of factors is odd."""
    if level.shape[1] % 2 == 0:
        return level
    one = np.zeros((level.shape[0], 1, *level.shape[2:]))
    one[0] = 1.0
    return np.concatenate([level, one], axis=1)


def _product(level: Floats, places: int) -> Floats:
    """Product of all factors of a level, coefficients x 1 x D x Q."""
    if not level.shape[1]:
        return np.ones((1, 1, *level.shape[2:]))
    while level.shape[1] > 1:
        level = _even(level)
        level = _times(level[:, ::2], level[:, 1::2], places)
    return level


def _leave_one_out(level: Floats, rest: Floats, places: int) -> Floats:
    """For each factor the product of `rest` and all factors but it."""
    levels, factors = [], level.shape[1]
    while level.shape[1] > 1:
        level = _even(level)
        levels.append(level)
        level = _times(level[:, ::2], level[:, 1::2], places)
    without = rest
    for lower in reversed(levels):
        siblings = lower.reshape(lower.shape[0], -1, 2, *lower.shape[2:])[:, :, ::-1].reshape(lower.shape)
        parents = without[:, : lower.shape[1] // 2]
        without = _times(np.repeat(parents, 2, axis=1), siblings, places)
    return without[:, :factors]
