"""Labelled impressions with their point-in-time pairs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.frames import Ints
from mia.ports import LearningLog
from mia.ranking.local_time import Zones
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Pairs, build_pairs
from mia.ranking.point_in_time import BuildProfiles, PointInTime
from mia.ranking.shown import context_shown
from mia.ranking.training_set import Impressions, build_impressions


@dataclass(frozen=True, slots=True)
class Examples:
    """Row i of the impressions is row i of the pairs, in order of time; `moment` can make further pairs."""

    impressions: Impressions
    pairs: Pairs
    moment: PointInTime

    def __len__(self) -> int:
        return len(self.impressions)

    def take(self, rows: Ints) -> "Examples":
        """The given rows, in their order."""
        return Examples(self.impressions.take(rows), self.pairs.take(rows), self.moment)


def build_examples(
    ledger: LearningLog,
    build_profiles: BuildProfiles,
    offers: tuple[Offer, ...],
    *,
    zones: Zones,
    attribution_days: int,
    until: int,
    since_day: int | None = None,
    choose: Callable[[Impressions], Ints] | None = None,
) -> Examples:
    """Matured impressions of the offers before `until` (microseconds), from `since_day` on when given.

    `choose` picks rows of them, so that only theirs are worked out. Raises NotEnoughData when there is none.
    """
    events = ledger.events()
    impressions = build_impressions(events, attribution_days=attribution_days, until=until)
    table = OfferTable.build(offers)
    cols = np.asarray([table.places.get(offer_id, -1) for offer_id in impressions.offer_ids], np.int64)
    kept = np.flatnonzero((cols >= 0) & (impressions.local_day >= (-1 if since_day is None else since_day)))
    if choose is not None:
        kept = kept[choose(impressions.take(kept))]
    if not len(kept):
        raise NotEnoughData("no matured impression of an offer of the current catalogue in that time")
    impressions, cols = impressions.take(kept), cols[kept]
    moment = PointInTime(table, events, build_profiles)
    profiles, rows = moment.profiles(impressions.subscriber_ids, impressions.local_day)
    context = context_shown(impressions, ledger.decision_contexts(), profiles, rows, zones)
    return Examples(impressions, build_pairs(profiles, table, moment.rates(profiles), rows, cols, context), moment)
