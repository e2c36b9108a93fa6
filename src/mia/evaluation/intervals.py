"""Intervals by resampling whole subscribers, since rows of one subscriber are not independent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints, Objects


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def clusters(subscriber_ids: Objects) -> Ints:
    """A number for each row that is the same for rows of one subscriber."""
    _, codes = np.unique(subscriber_ids.astype(str), return_inverse=True)
    return np.asarray(codes, np.int64)


def bootstrap(statistic: Callable[[Ints], float], cluster: Ints, *, draws: int = 200, seed: int = 7) -> Estimate:
    """95 % percentile interval of `statistic(rows)`, resampling clusters with replacement.

    Resamples on which the statistic is NaN are left out. Efron, B. (1979); the cluster form of Cameron, A.,
    Gelbach, J., Miller, D. (2008).
    """
    _, codes = np.unique(cluster, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = rng.integers(0, len(sizes), len(sizes))
        lengths = sizes[drawn]
        offsets = np.repeat(starts[drawn] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        values.append(statistic(order[offsets + np.arange(lengths.sum())]))
    known = [value for value in values if not np.isnan(value)]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (np.nan, np.nan)
    return Estimate(statistic(np.arange(len(cluster))), float(low), float(high))


def mean_interval(values: Floats, cluster: Ints, *, seed: int = 7) -> Estimate:
    """Mean of one value a row, with its clustered interval."""
    return bootstrap(lambda rows: float(values[rows].mean()), cluster, seed=seed)
