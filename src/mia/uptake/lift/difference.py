"""The difference between the arms, with less variance thanks to what was known before the experiment (CUPED)."""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats
from mia.uptake.lift.moments import CONTROL, MIA, Moments


@dataclass(frozen=True, slots=True)
class Difference:
    """Per subscriber, each of shape (...): adjusted means of the arms, and `variance` of `difference`.

    `variance` is `variance_control + variance_mia`. `variance_common` is the part that the means share and that their
    difference is free of: the error of the covariate's overall mean. `removed` is the share of the plain difference's
    variance that the covariate removed.
    """

    control: Floats
    mia: Floats
    difference: Floats
    variance: Floats
    variance_control: Floats
    variance_mia: Floats
    variance_common: Floats
    removed: Floats


def estimate_difference(moments: Moments) -> Difference:
    """Difference in means, arm `mia` minus `control`, of y - theta (x - mean of x over both arms).

    theta is the one that makes the variance of the difference smallest, so no variance is ever added:
    theta = (c_C / n_C + c_M / n_M) / (s_C / n_C + s_M / n_M), c the covariance of x and y in an arm, s the variance
    of x. With x from before the experiment the estimate stays unbiased up to order 1 / n. Deng, A., Xu, Y., Kohavi, R.,
    Walker, T. (2013), equations 4 and 5; with a theta for unequal arms as in Lin, W. (2013).
    An arm of fewer than two subscribers has an infinite variance.
    """
    weight = np.where(moments.n > 1, 1 / np.maximum(moments.n, 1), np.inf)
    known = np.where(np.isfinite(weight), weight, 0.0)
    spread = (moments.variance_before * known).sum(-1)
    shared = (moments.covariance * known).sum(-1)
    theta = np.divide(shared, spread, out=np.zeros_like(spread), where=spread > 0)
    every = moments.n.sum(-1)
    before = moments.x.sum(-1) / np.maximum(every, 1)
    adjusted = moments.mean - theta[..., None] * (moments.mean_before - before[..., None])
    residual = (
        moments.variance - 2 * theta[..., None] * moments.covariance + theta[..., None] ** 2 * moments.variance_before
    )
    own = np.where(np.isfinite(weight), np.maximum(residual, 0) * known, np.inf)
    plain = np.where(np.isfinite(weight), moments.variance * known, np.inf).sum(-1)
    variance = own.sum(-1)
    held = np.isfinite(plain) & (plain > 0)
    ratio = np.divide(variance, plain, out=np.ones_like(plain), where=held)
    within = (moments.variance_before * moments.n).sum(-1) / np.maximum(every, 1)
    return Difference(
        adjusted[..., CONTROL],
        adjusted[..., MIA],
        adjusted[..., MIA] - adjusted[..., CONTROL],
        variance,
        own[..., CONTROL],
        own[..., MIA],
        theta**2 * within / np.maximum(every, 1),
        1 - ratio,
    )
