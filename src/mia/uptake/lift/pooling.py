"""Partial pooling: what a thin region says is drawn towards what all regions say, as far as they agree."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from mia.frames import Floats

GRID = 200
"""Values of the spread between groups that are weighed."""
FEWEST = 4
"""Groups without which nothing is pooled: with fewer the prior is no distribution."""
STEPS = 40
"""Halvings on the way to a quantile."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Of g groups: the pooled difference and its interval. `spread` is the standard deviation between groups."""

    difference: Floats
    low: Floats
    high: Floats
    spread: float


def pool(difference: Floats, variance: Floats, alpha: float) -> Pooled | None:
    """Hierarchical normal model of g groups with own differences and known variances (infinite: says nothing).

    d_i ~ N(t_i, v_i), t_i ~ N(m, s^2), m and s^2 flat. Given s, t_i is normal (Rubin, D. 1981; Gelman, A. et al. 2013,
    5.4); s is weighed by its marginal likelihood, which is REML's, over a grid up to hundreds of times the usual
    standard error. Weighing s instead of plugging one estimate in keeps the intervals honest where few groups leave s
    uncertain, and the prior that is flat in s^2 is the one whose intervals keep their word (Morris, C. and Lysy, M.
    2012, Shrinkage estimation in multilevel normal models): one that is flat in s covers 93 % where 95 % is said. It
    asks for four groups that say something; fewer give None.
    """
    says = np.isfinite(variance) & (variance > 0)
    if says.sum() < FEWEST:
        return None
    scale = np.sqrt(says.sum() / (1 / variance[says]).sum())
    place = (np.arange(GRID) + 0.5) / GRID
    spread = scale * place / (1 - place)
    own = np.where(says, variance, np.inf)
    weight = 1 / (own + spread[:, None] ** 2)
    every = weight.sum(1)
    given = np.where(says, difference, 0.0)
    mean = (weight * given).sum(1) / every
    misfit = (weight * (given - mean[:, None]) ** 2).sum(1)
    likelihood = 0.5 * (np.log(weight[:, says]).sum(1) - np.log(every) - misfit)
    # The grid is denser where the spread is small, and the prior is flat in its square: what one point stands for.
    likelihood += 2 * np.log(scale + spread) + np.log(spread)
    belief = np.exp(likelihood - likelihood.max())
    belief /= belief.sum()
    drawn = 1 - weight * spread[:, None] ** 2
    centre = (1 - drawn) * given + drawn * mean[:, None]
    width = np.sqrt(drawn * spread[:, None] ** 2 + drawn**2 / every[:, None])
    return Pooled(
        belief @ centre,
        _quantile(alpha / 2, belief, centre, width),
        _quantile(1 - alpha / 2, belief, centre, width),
        float(belief @ spread),
    )


def _quantile(level: float, belief: Floats, centre: Floats, width: Floats) -> Floats:
    """Quantile of a mixture of normals for every column, by halving."""
    low, high = (centre - 10 * width).min(0), (centre + 10 * width).max(0)
    for _ in range(STEPS):
        middle = (low + high) / 2
        below = belief @ ndtr((middle - centre) / width) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
