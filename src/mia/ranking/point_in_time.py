"""Point in time: the profile of each (subscriber, day) as of that day and nothing later, and what offers were then."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.domain.offer import Offer
from mia.frames import Ints, Objects, Profiles
from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.tables import AS_OF, SUBSCRIBER_ID

BuildProfiles = Callable[[tuple[Offer, ...], pa.Table], Profiles]


@dataclass(frozen=True, slots=True)
class PointInTime:
    """Finds what pairs are built from, in the events of the ledger and with a builder of profiles for (subscriber_id,
    as_of) spines.
    """

    table: OfferTable
    events: pa.Table
    build_profiles: BuildProfiles

    def profiles(self, subscriber_ids: Objects, days: Ints) -> tuple[Profiles, Ints]:
        """The distinct profiles that R (subscriber, day) rows need, and the profile row of each."""
        people = pa.array(subscriber_ids, pa.string()).dictionary_encode()
        count = max(len(people.dictionary), 1)
        keys = days * count + people.indices.to_numpy(zero_copy_only=False)
        wanted, places = np.unique(keys, return_inverse=True)
        spine = pa.table(
            {SUBSCRIBER_ID: people.dictionary.take(pa.array(wanted % count)), AS_OF: pa.array(wanted // count)}
        )
        profiles = self.build_profiles(self.table.offers, spine)
        found = pc.index_in(pa.array(profiles.subscriber_ids, pa.string()), people.dictionary)
        built = profiles.as_of * count + found.to_numpy(zero_copy_only=False)
        order = np.argsort(built)
        return profiles, np.asarray(order[np.searchsorted(built[order], wanted)][places], np.int64)

    def rates(self, profiles: Profiles) -> OfferRates:
        """What was known of the offers on the days of the profiles."""
        return OfferRates.build(build_history(self.events, self.table, np.unique(profiles.as_of)), self.table)
