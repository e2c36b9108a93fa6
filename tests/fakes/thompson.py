"""The exact marginals of Bernoulli Thompson sampling: a race of Beta draws, the highest first."""

import numpy as np
from scipy import stats

from mia.ranking.exploration.race import race_places

NODES = 300


def thompson_places(alpha: np.ndarray, beta: np.ndarray, places: int) -> np.ndarray:
    """Chance of each of n items at each place, n x places.

    Items come in by falling draw, so an item is still waited for where its draw lies below. Gauss-Legendre nodes on
    the logarithm of the rate, between what all draws stay below and what enough of them stay above to fill the places.
    """
    low = np.log(np.sort(stats.beta.ppf(1e-18, alpha, beta))[-places])
    high = np.log(stats.beta.isf(1e-18, alpha, beta).max())
    node, weight = np.polynomial.legendre.leggauss(NODES)
    rate = np.exp((high - low) / 2 * node + (high + low) / 2)
    step = (high - low) / 2 * weight * rate
    waiting = stats.beta.cdf(rate, alpha[:, None], beta[:, None])[:, None]
    passed = stats.beta.sf(rate, alpha[:, None], beta[:, None])[:, None]
    density = stats.beta.pdf(rate, alpha[:, None], beta[:, None])[:, None] * step
    return race_places(density, waiting, passed, np.arange(len(alpha)), places)[0]
