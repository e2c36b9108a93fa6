"""Moments of an outcome and of its covariate by group and arm: all that lift is computed from."""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints

CONTROL, MIA = 0, 1
"""Places on the last axis of moments."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over subscribers, each of shape (..., 2): the last axis is the arm, control first.

    One subscriber is one row, so figures made of these are clustered by subscriber. `n` counts subscribers, `y` is the
    outcome in the period, `x` the same before the experiment; `yy`, `xx` and `xy` are sums of products.
    """

    n: Floats
    y: Floats
    yy: Floats
    x: Floats
    xx: Floats
    xy: Floats

    @property
    def mean(self) -> Floats:
        """Mean outcome; 0 in an arm without subscribers."""
        return self.y / np.maximum(self.n, 1)

    @property
    def mean_before(self) -> Floats:
        """Mean covariate."""
        return self.x / np.maximum(self.n, 1)

    @property
    def variance(self) -> Floats:
        """Variance of the outcome between subscribers, without bias."""
        return self._covariance(self.yy, self.y, self.y)

    @property
    def variance_before(self) -> Floats:
        """Variance of the covariate."""
        return self._covariance(self.xx, self.x, self.x)

    @property
    def covariance(self) -> Floats:
        """Covariance of both."""
        return self._covariance(self.xy, self.x, self.y)

    def _covariance(self, product: Floats, left: Floats, right: Floats) -> Floats:
        centred = product - left * right / np.maximum(self.n, 1)
        return np.asarray(centred / np.maximum(self.n - 1, 1))


def gather_moments(cells: Ints, groups: int, y: Floats, x: Floats) -> Moments:
    """Moments of n subscribers in `groups` groups, as arrays of groups x 2.

    `cells` is n places `2 * group + arm`; `y` and `x` are n outcomes and covariates.

    >>> gather_moments(np.array([0, 1, 1]), 1, np.array([1.0, 2.0, 4.0]), np.zeros(3)).mean
    array([[1., 3.]])
    """

    def add(weights: Floats) -> Floats:
        return np.bincount(cells, weights=weights, minlength=2 * groups).reshape(groups, 2).astype(np.float64)

    return Moments(add(np.ones(len(cells))), add(y), add(y * y), add(x), add(x * x), add(x * y))


def stack_moments(parts: list[Moments]) -> Moments:
    """Moments of several groups, in order, from those of each."""
    return Moments(*(np.concatenate([getattr(part, name) for part in parts]) for name in Moments.__slots__))
