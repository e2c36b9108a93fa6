"""Ranking and calibration metrics over R scored pairs. Scores and labels are R values, labels 0 or 1."""

import numpy as np

from mia.frames import Floats, Ints

EDGE = 1e-15
BINS = 10


def auc(scores: Floats, labels: Floats) -> float:
    """Area under the ROC curve: the chance that a connected pair outranks another, ties counted half.

    Fawcett, T. (2006), An introduction to ROC analysis, by the rank-sum identity. NaN with one class only.

    >>> auc(np.asarray([0.1, 0.9, 0.9]), np.asarray([0.0, 1.0, 0.0]))
    0.75
    """
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, codes, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return float((ranks[labels > 0].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def log_loss(scores: Floats, labels: Floats) -> float:
    """Mean negative log likelihood, in nats."""
    kept = np.clip(scores, EDGE, 1 - EDGE)
    return float(-np.mean(labels * np.log(kept) + (1 - labels) * np.log1p(-kept)))


def ndcg(scores: Floats, labels: Floats, groups: Ints, k: int) -> float:
    """Mean normalised discounted cumulative gain at k over the groups with at least one connection.

    Jarvelin, K., Kekalainen, J. (2002): sum of label / log2(place + 1), divided by that of the ideal order.

    >>> ndcg(np.asarray([0.2, 0.9]), np.asarray([1.0, 0.0]), np.asarray([0, 0]), k=3)
    0.6309297535714575
    """
    found = ndcg_by_group(scores, labels, groups, k)
    known = found[~np.isnan(found)]
    return float(np.mean(known)) if len(known) else float("nan")


def ndcg_by_group(scores: Floats, labels: Floats, groups: Ints, k: int) -> Floats:
    """The gain of each group in ascending order of its number, NaN for one without a connection."""
    _, codes = np.unique(groups, return_inverse=True)
    gained, ideal = (_discounted(order, codes, labels, k) for order in (scores, labels))
    out = np.full(len(ideal), np.nan)
    np.divide(gained, ideal, out=out, where=ideal > 0)
    return out


def calibration_error(scores: Floats, labels: Floats, bins: int = BINS) -> float:
    """Expected calibration error over bins of equal size: mean distance of the stated and the observed rate.

    Naeini, M. et al. (2015), with bins by rank so that small probabilities count.
    """
    return float(sum(part.share * abs(part.stated - part.observed) for part in reliability(scores, labels, bins)))


class Bin:
    """One bin of a reliability curve: share of the pairs, stated and observed rate of connection."""

    def __init__(self, share: float, stated: float, observed: float) -> None:
        self.share, self.stated, self.observed = share, stated, observed


def reliability(scores: Floats, labels: Floats, bins: int = BINS) -> list[Bin]:
    """The reliability curve in bins of equal size, from the lowest scores to the highest."""
    order = np.argsort(scores, kind="stable")
    return [
        Bin(len(part) / len(scores), float(scores[part].mean()), float(labels[part].mean()))
        for part in np.array_split(order, min(bins, len(order)))
        if len(part)
    ]


def _discounted(by: Floats, groups: Ints, labels: Floats, k: int) -> Floats:
    order = np.lexsort((-by, groups))
    starts = np.concatenate([[0], np.cumsum(np.bincount(groups))[:-1]])
    place = np.arange(len(order)) - starts[groups[order]]
    gain = np.where(place < k, labels[order] / np.log2(place + 2.0), 0.0)
    return np.bincount(groups[order], weights=gain).astype(float)
