"""Intervals by resampling whole subscribers, since rows of one subscriber are not independent."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mia.frames import Floats, Ints, Objects

Name = TypeVar("Name", bound=Hashable)

CELLS = 2_000_000
"""Weights of clusters that are drawn at a time."""


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


def bootstrap_sums(
    columns: Floats,
    statistics: Mapping[Name, Callable[[Floats], Floats]],
    cluster: Ints,
    *,
    draws: int = 1_000,
    seed: int = 7,
) -> dict[Name, Estimate]:
    """95 % percentile intervals of statistics that are functions of column sums, all on the same resamples.

    `columns` is R x c; a statistic maps sums, of shape (c) or draws x c, to one value a row of them. A resample of
    clusters is a multinomial weighting of the sums of each cluster, so no row is ever gathered. Resamples on which a
    statistic is NaN are left out.
    """
    _, codes = np.unique(cluster, return_inverse=True)
    sums = np.column_stack([np.bincount(codes, weights=column) for column in columns.T])
    count = len(sums)
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // max(count, 1))
    parts = []
    for start in range(0, draws, step):
        lot = min(step, draws - start)
        drawn = rng.integers(0, count, (lot, count)) + count * np.arange(lot)[:, None]
        times = np.bincount(drawn.ravel(), minlength=lot * count).reshape(lot, count)
        parts.append(times.astype(np.float64) @ sums)
    resampled, total = np.concatenate(parts), sums.sum(axis=0)
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, statistic in statistics.items():
            values = statistic(resampled)
            known = values[~np.isnan(values)]
            low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
            found[name] = Estimate(float(statistic(total)), float(low), float(high))
    return found


def mean_interval(values: Floats, cluster: Ints, *, draws: int = 1_000, seed: int = 7) -> Estimate:
    """Mean of one value a row, with its clustered interval."""
    columns = np.column_stack([values, np.ones(len(values))])
    return bootstrap_sums(columns, {"mean": _ratio}, cluster, draws=draws, seed=seed)["mean"]


def _ratio(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])
