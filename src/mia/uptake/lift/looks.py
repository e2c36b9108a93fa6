"""How many standard errors an interval needs so that it holds at every look together.

Let S(t) be the error of the difference after t days and v(t) its variance. Were S a Brownian motion in the clock v,
then for every rate of drift l the process exp(l S - l^2 v / 2) would be a martingale that begins at 1. Mixing it over
l ~ N(0, q / v*) gives another one,

    M = (1 + r)^(-1/2) exp(z^2 r / (2 (1 + r))),   z = S / sqrt(v),   r = q v / v*,

and by Ville's inequality P(M >= 1 / alpha at any look) <= alpha. Solved for z, the interval of

    k = sqrt((1 + 1 / r) log((1 + r) / alpha^2))

standard errors to both sides holds at all looks together with probability 1 - alpha. This is the normal mixture of
Robbins, H. (1970), as of Howard, S. et al. (2021, equation 14), and with an estimated variance the asymptotic
confidence sequence of Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E., Ramdas, A. (2021, theorem 2.2) with
rho^2 = q / v*.

**rho.** k is smallest where r = q with q = log((1 + q) / alpha^2), that is q = -W(-alpha^2 / e) - 1 on the lower branch
of Lambert's function (Howard et al., proposition 3): 8.2 for 95 %, k = 3.03. v* is the variance that an experiment is
planned to end with. It must not depend on what is measured, so it comes from the settings and the sizes of the arms.

**Clustering.** Connections of one subscriber come together, so increments of S are correlated and S is no Brownian
motion: its looks are more alike than those of one in the same clock. By Slepian's lemma (1962) it then crosses either
bound less often, so the interval holds all the more.
"""

from functools import lru_cache

import numpy as np
from scipy.special import lambertw

from mia.frames import Floats, Matrix


@lru_cache
def tuned_at(alpha: float) -> float:
    """q: the ratio r at which the interval is tightest, in standard errors.

    >>> round(tuned_at(0.05), 2)
    8.21
    """
    return float(-lambertw(-(alpha**2) / np.e, k=-1).real - 1)


def planned_variance(subscribers: Floats, connections: float, square: float = 1.0) -> Floats:
    """v* of arms of (..., 2) subscribers when each has so many connections; `square` is the mean square of what one
    counts for. As if connections came by Poisson's law: (1 / n_C + 1 / n_M) * connections * square.

    >>> float(planned_variance(np.array([100.0, 900.0]), 0.9))
    0.01
    """
    return np.asarray((1 / np.maximum(subscribers, 1)).sum(-1) * connections * square)


def standard_errors(variance: Matrix, planned: Floats | float, alpha: float) -> Matrix:
    """k: standard errors to either side; infinite while nothing is known.

    >>> standard_errors(np.array([0.01, 0.001]), np.array(0.01), 0.05).round(2)
    array([3.04, 3.82])
    """
    r = tuned_at(alpha) * np.divide(
        variance, planned, out=np.zeros_like(variance + planned), where=np.greater(planned, 0)
    )
    held = (r > 0) & np.isfinite(r)
    safe = np.where(held, r, 1.0)
    return np.where(held, np.sqrt((1 + 1 / safe) * np.log((1 + safe) / alpha**2)), np.inf)


def p_value(difference: Floats, variance: Floats, planned: Floats, alpha: float) -> Floats:
    """1 / M, at most 1: under no effect it is ever p or less with a probability of p at most, at whatever look."""
    safe = np.where((variance > 0) & np.isfinite(variance), variance, np.inf)
    r = tuned_at(alpha) * np.where(np.isfinite(safe), safe, 0.0) / np.where(planned > 0, planned, np.inf)
    exponent = difference**2 / safe * r / (2 * (1 + r)) - 0.5 * np.log1p(r)
    return np.asarray(np.exp(-np.maximum(exponent, 0)))
