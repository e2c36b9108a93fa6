"""Paired gains: how much better one scoring is than another on the same rows, with intervals over subscribers.

All statistics of one comparison are taken on the same resamples of whole subscribers. A resample is a weight for each
row, the number of times that its subscriber was drawn, so that rows are sorted once and not once a resample.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from mia.evaluation.metrics import EDGE, ndcg_by_group
from mia.frames import Floats, Ints

DRAWS = 200
Statistic = Callable[[Floats], float]
"""From weights of rows to a figure."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference with its 95 % interval; `spread` is its standard deviation over resamples."""

    value: float
    low: float
    high: float
    spread: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"

    def upper_end(self, comparisons: int) -> float:
        """Upper end of an interval that holds for this many comparisons together at 95 %, by a normal spread.

        Bonferroni's correction (Dunn, O., 1961).
        """
        return self.value + NormalDist().inv_cdf(1 - 0.025 / max(comparisons, 1)) * self.spread

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Gain":
        """From the dict form that `dataclasses.asdict` makes; JSON keeps NaN as null."""
        return cls(*(float("nan") if data[name] is None else data[name] for name in cls.__slots__))


class WeightedAuc:
    """AUC of R scores against labels under weights; ties count half."""

    def __init__(self, scores: Floats, labels: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.diff(ordered, prepend=np.nan) != 0)
        self._labels = labels[self._order]

    def __call__(self, weights: Floats) -> float:
        """NaN without rows of both labels."""
        ordered = weights[self._order]
        if not len(ordered):
            return float("nan")
        positives = np.add.reduceat(ordered * self._labels, self._starts)
        negatives = np.add.reduceat(ordered * (1 - self._labels), self._starts)
        pairs = positives.sum() * negatives.sum()
        below = np.cumsum(negatives) - negatives / 2
        return float((positives * below).sum() / pairs) if pairs > 0 else float("nan")


class WeightedMean:
    """Mean of one value a row; `rows` are the places of the weights that belong to the values, all by default."""

    def __init__(self, values: Floats, rows: Ints | None = None) -> None:
        self._values, self._rows = values, rows

    def __call__(self, weights: Floats) -> float:
        """NaN without weight."""
        mine = weights if self._rows is None else weights[self._rows]
        total = mine.sum()
        return float(mine @ self._values / total) if total > 0 else float("nan")


def log_losses(scores: Floats, labels: Floats) -> Floats:
    """Negative log likelihood of each row, in nats."""
    kept = np.clip(scores, EDGE, 1 - EDGE)
    return np.asarray(-(labels * np.log(kept) + (1 - labels) * np.log1p(-kept)))


def auc_difference(scores: Floats, others: Floats, labels: Floats) -> Statistic:
    """AUC of the scores above that of the others."""
    ours, theirs = WeightedAuc(scores, labels), WeightedAuc(others, labels)
    return lambda weights: ours(weights) - theirs(weights)


def log_loss_difference(scores: Floats, others: Floats, labels: Floats) -> Statistic:
    """How much lower the mean log loss of the scores is than that of the others, in nats."""
    return WeightedMean(log_losses(others, labels) - log_losses(scores, labels))


def ndcg_difference(scores: Floats, others: Floats, labels: Floats, groups: Ints, k: int) -> Statistic:
    """Mean NDCG at k above that of the others; a group counts as its first row does."""
    ours, theirs = (ndcg_by_group(given, labels, groups, k) for given in (scores, others))
    _, first = np.unique(groups, return_index=True)
    kept = ~np.isnan(ours)
    return WeightedMean((ours - theirs)[kept], first[kept])


def estimate_gains(
    statistics: Mapping[str, Statistic], cluster: Ints, *, draws: int = DRAWS, seed: int = 7
) -> dict[str, Gain]:
    """Each statistic with its interval, all on the same resamples of clusters with replacement.

    Resamples on which a statistic is NaN are left out of it. Percentile intervals: Efron, B. (1979); clusters: Cameron,
    A., Gelbach, J., Miller, D. (2008).
    """
    _, codes = np.unique(cluster, return_inverse=True)
    people = int(codes.max()) + 1 if len(codes) else 0
    rng = np.random.default_rng(seed)
    found = np.full((draws, len(statistics)), np.nan)
    for draw in range(draws if people else 0):
        times = np.bincount(rng.integers(0, people, people), minlength=people).astype(float)
        weights = times[codes]
        found[draw] = [statistic(weights) for statistic in statistics.values()]
    every = np.ones(len(cluster))
    return {
        name: _gain(statistic(every), found[:, place]) for place, (name, statistic) in enumerate(statistics.items())
    }


def _gain(value: float, drawn: Floats) -> Gain:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Gain(value, float("nan"), float("nan"), float("nan"))
    low, high = np.percentile(known, [2.5, 97.5])
    return Gain(value, float(low), float(high), float(known.std()))
