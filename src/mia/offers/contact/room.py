"""How many offers one answer may still show, so that showing all of it breaks no cap."""

from dataclasses import dataclass

import numpy as np

from mia.domain.policy import CapScope
from mia.frames import Floats, Ints
from mia.offers.contact.book import ContactBook
from mia.offers.contact.history import ContactHistory


@dataclass(frozen=True, slots=True)
class Room:
    """What the caps leave to one subscriber in one channel: `places` in all, and `by_category` (categories), inf where
    nothing bounds them.
    """

    places: float
    by_category: Floats
    categories: Ints

    @classmethod
    def left(cls, book: ContactBook, history: ContactHistory, channel: str, row: int = 0) -> "Room | None":
        """What is left to one subscriber of a history; None where no cap speaks of more than one offer."""
        wider = [
            (cap, counts)
            for cap, counts in zip(book.policy.caps, history.shown, strict=True)
            if cap.per is not CapScope.OFFER
        ]
        if not wider:
            return None
        places, by_category = np.inf, np.full(int(book.categories.max(initial=-1)) + 1, np.inf)
        for cap, counts in wider:
            if cap.per is CapScope.CATEGORY:
                by_category = np.minimum(by_category, cap.at_most - counts[row])
            elif (found := book.of_offers(cap, counts, channel)) is not None:
                places = min(places, cap.at_most - float(found[row, 0]))
        return cls(places, by_category, book.categories)

    def after(self, offers: Ints) -> "Room":
        """What is left once these offers are shown."""
        taken = np.bincount(self.categories[offers], minlength=len(self.by_category))
        return Room(self.places - len(offers), self.by_category - taken, self.categories)

    def crowded(self, ordered: Ints, places: int) -> Ints:
        """Which of the offers, best first, have to stay out so that any `places` of the rest fit their categories: the
        least of each category that has too many.

        Choosing them before chance has its say keeps every propensity exact.
        """
        mine = self.categories[ordered]
        out: list[Ints] = []
        for category in np.flatnonzero(self.by_category < places).tolist():
            members = ordered[mine == category]
            out.append(members[max(int(self.by_category[category]), 0) :])
        return np.concatenate(out) if out else np.zeros(0, np.int64)
