"""What contact histories of one catalogue under one policy are counted by: worked out once, used by every request."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mia.domain.event import Channel
from mia.domain.offer import Offer
from mia.domain.policy import Cap, CapScope, ContactPolicy
from mia.frames import Floats, Ints
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
CHANNELS = {str(channel): place for place, channel in enumerate(Channel)}


@dataclass(frozen=True)
class ContactBook:
    """The groups that impressions are counted in: each cap has one for every offer, category or channel, or a single
    one. Categories are those of the m offers; an impression of an offer that is not among them has none.
    """

    offers: tuple[Offer, ...]
    policy: ContactPolicy

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each offer by its id."""
        return {offer.id: place for place, offer in enumerate(self.offers)}

    @cached_property
    def categories(self) -> Ints:
        """Number of the category of each offer (m)."""
        numbers: dict[str, int] = {}
        return np.asarray([numbers.setdefault(offer.category, len(numbers)) for offer in self.offers], np.int64)

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """How many groups each cap of the policy counts in."""
        sizes = {
            CapScope.OFFER: len(self.offers),
            CapScope.CATEGORY: int(self.categories.max(initial=-1)) + 1,
            CapScope.CHANNEL: len(CHANNELS),
            CapScope.ALL: 1,
        }
        return tuple(sizes[cap.per] for cap in self.policy.caps)

    @cached_property
    def look_back(self) -> int:
        """Microseconds after which an impression counts for nothing any more."""
        windows = [cap.within_days for cap in self.policy.caps]
        if self.policy.unanswered is not None:
            windows.append(self.policy.unanswered.within_days)
        return max(windows, default=0) * DAY

    def group(self, cap: Cap, place: int | None, channel: str | None) -> int | None:
        """The group of one impression, of the offer at `place`; None where it counts in none."""
        match cap.per:
            case CapScope.OFFER:
                return place
            case CapScope.CATEGORY:
                return None if place is None else self._category_list[place]
            case CapScope.CHANNEL:
                return CHANNELS.get(channel or "")
            case CapScope.ALL:
                return 0

    def of_offers(self, cap: Cap, counts: Floats, channel: str | None) -> Floats | None:
        """The counts (n x groups) that bear on each offer in a channel: n x m or n x 1. None without a channel where
        the cap asks for one.
        """
        match cap.per:
            case CapScope.CATEGORY:
                return np.asarray(counts[:, self.categories])
            case CapScope.CHANNEL:
                place = CHANNELS.get(channel or "")
                return None if place is None else counts[:, place : place + 1]
            case CapScope.OFFER | CapScope.ALL:
                return counts

    @cached_property
    def _category_list(self) -> list[int]:
        found: list[int] = self.categories.tolist()
        return found
