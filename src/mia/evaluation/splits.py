"""Splits by time: what is tested lies strictly later than what was learnt from."""

import numpy as np

from mia.errors import NotEnoughData
from mia.frames import Ints


def split_by_time(days: Ints, share: float, *, gap: int) -> tuple[Ints, Ints]:
    """Row numbers of the earlier and of the later part.

    The later part is made of whole days and has about `share` of the rows; `gap` days before it are left out, so that
    no label of the earlier part was decided inside the later one. Raises NotEnoughData when a part is empty.
    """
    order = np.sort(days)
    first = order[min(int(len(order) * (1 - share)), len(order) - 1)]
    earlier = np.flatnonzero(days < first - gap)
    if not len(earlier):
        raise NotEnoughData(f"impressions span too few days to evaluate on later ones with a gap of {gap} days")
    return earlier, np.flatnonzero(days >= first)
