"""What was known of the offers on a day: cumulative counts strictly before it, and the smoothed rates made of them.

A rate is an average of observed and expected, weighted by numbers of impressions: with c connections of i
impressions and a broader rate b, (c + s b) / (i + s), but never above 1, since connections may come without an
impression. It runs from all offers to the category, to the offer, to the offer in a region, so that a new offer starts
from its category and a thin region from the whole.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Floats, Ints, Objects, OfferHistory
from mia.ranking.offer_table import OfferTable
from mia.tables import KIND, LOCAL_DAY, OFFER_ID, REGION

STRENGTH = 50.0
PRIOR_RATE, PRIOR_WEIGHT = 0.03, 50.0


def build_history(events: pa.Table, table: OfferTable, days: Ints) -> OfferHistory:
    """Counts of impressions and connections of each offer and region before each of `days` (ascending, distinct).

    `events` needs offer_id, region, kind and local_day.
    """
    counted = events.filter(pc.is_in(events[KIND], pa.array(["impression", "connection"])))
    region = pc.fill_null(counted[REGION].cast(pa.string()), "").combine_chunks().dictionary_encode()
    regions = [str(name) for name in region.dictionary.to_pylist()]
    place = pc.fill_null(pc.index_in(counted[OFFER_ID], pa.array(list(table.places), pa.string())), -1).to_numpy()
    slot = np.searchsorted(days, counted[LOCAL_DAY].to_numpy(), side="right")
    code = region.indices.to_numpy(zero_copy_only=False)
    is_connection = pc.equal(counted[KIND], "connection").to_numpy(zero_copy_only=False)
    inside = (place >= 0) & (slot < len(days))

    def count(which: np.ndarray) -> Floats:
        cells = np.zeros((len(days), len(regions), len(table)))
        np.add.at(cells, (slot[which], code[which], place[which]), 1.0)
        return np.asarray(np.cumsum(cells, axis=0))

    return OfferHistory(
        days, tuple(regions), tuple(table.places), count(inside & ~is_connection), count(inside & is_connection)
    )


def no_offer_history() -> OfferHistory:
    """The history of offers before anything was ever shown."""
    return OfferHistory(np.zeros(1, np.int64), (), (), np.zeros((1, 0, 0)), np.zeros((1, 0, 0)))


@dataclass(frozen=True, slots=True)
class OfferRates:
    """Smoothed acceptance of m offers on each of d days; `region` is d x (r + 1) x m, the last for unknown regions."""

    days: Ints
    regions: dict[str, int]
    overall: Floats
    category: Floats
    offer: Floats
    region: Floats
    impressions: Floats

    @classmethod
    def build(cls, history: OfferHistory, table: OfferTable) -> Self:
        """Rates of the offers of `table`; offers that the history does not know start from their category."""
        found = {offer_id: place for place, offer_id in enumerate(history.offer_ids)}
        take = np.asarray([found.get(offer_id, -1) for offer_id in table.places], np.int64)
        known = (take >= 0).astype(float)
        shown = history.impressions[:, :, take] * known if len(found) else np.zeros((len(history.days), 0, len(table)))
        taken = history.connections[:, :, take] * known if len(found) else shown
        same = (table.categorical["offer_category"][:, None] == table.categorical["offer_category"][None, :]).astype(
            float
        )
        offer_shown, offer_taken = shown.sum(axis=1), taken.sum(axis=1)
        overall = _smoothed(offer_taken.sum(axis=1), offer_shown.sum(axis=1), PRIOR_RATE, PRIOR_WEIGHT)
        category = _smoothed(offer_taken @ same, offer_shown @ same, overall[:, None])
        offer = _smoothed(offer_taken, offer_shown, category)
        region = _smoothed(taken, shown, offer[:, None, :])
        return cls(
            history.days,
            {name: place for place, name in enumerate(history.regions)},
            overall,
            category,
            offer,
            np.concatenate([region, offer[:, None, :]], axis=1),
            offer_shown,
        )

    @property
    def doubt(self) -> Floats:
        """Standard deviation of each offer's rate as a share of it (d x m).

        The rate r after i impressions is the mean of a Beta posterior of variance r (1 - r) / (i + s + 1) (Gelman, A.
        et al., 2013, appendix A).
        """
        rate = np.maximum(self.offer, np.finfo(float).tiny)
        return np.asarray(np.sqrt((1.0 - rate) / (rate * (self.impressions + STRENGTH + 1.0))))

    def day_places(self, as_of: Ints) -> Ints:
        """Place of each as-of day; a day after the last one is answered from the last one."""
        return np.clip(np.searchsorted(self.days, as_of, side="right") - 1, 0, len(self.days) - 1)

    def region_places(self, regions: Objects | None, rows: int) -> Ints:
        """Place of each of n regions; unknown ones get the last place."""
        last = len(self.regions)
        if regions is None:
            return np.full(rows, last)
        return np.asarray([self.regions.get(region, last) for region in regions], np.int64)


def _smoothed(taken: Floats, shown: Floats, broader: Floats | float, strength: float = STRENGTH) -> Floats:
    return np.asarray(np.minimum((taken + strength * broader) / (shown + strength), 1.0))
