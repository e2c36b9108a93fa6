"""Drift: how far the distribution of a column has moved between two times, in one number without a unit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints

BINS = 10
HALF = 0.5
"""Rows added to every bin, so that an empty one has a logarithm."""
MOST_ROWS = 50_000
"""Rows of either time that are looked at: more would change the index by less than 0.001."""


def stability_index(earlier: NDArray[np.floating], later: NDArray[np.floating], bins: int = BINS) -> float:
    """Population stability index of a column, 0 or more: the sum over bins of (a - e) ln(a / e).

    e and a are the shares of the earlier and of the later rows in bins cut at the quantiles of the earlier ones; what
    is missing (NaN) has a bin of its own. Siddiqi, N. (2006), Credit Risk Scorecards, where below 0.1 counts as
    stable and above 0.25 as moved. NaN when either side is empty.

    >>> same = np.arange(1000.0)
    >>> stability_index(same, same)
    0.0
    >>> round(stability_index(same, same + 500.0), 2)
    3.53
    """
    if not len(earlier) or not len(later):
        return float("nan")
    known = earlier[~np.isnan(earlier)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.zeros(0)
    expected, actual = (_shares(values, edges) for values in (earlier, later))
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def drift_of(names: Sequence[str], earlier: NDArray[np.floating], later: NDArray[np.floating]) -> dict[str, float]:
    """Stability index of every column of two matrices (rows x columns) by name, the most moved first."""
    found = {name: stability_index(earlier[:, place], later[:, place]) for place, name in enumerate(names)}
    return dict(sorted(found.items(), key=lambda item: -np.nan_to_num(item[1])))


def _shares(values: NDArray[np.floating], edges: Floats) -> Floats:
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=len(edges) + 1)
    cells = np.append(counts, missing.sum()).astype(float)
    # A bin that holds nobody at either time adds nothing, as its two shares are nearly equal.
    return np.asarray((cells + HALF) / (cells + HALF).sum())


def sample_rows(rows: Ints, seed: int = 7) -> Ints:
    """At most MOST_ROWS of the given row numbers, ascending."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
