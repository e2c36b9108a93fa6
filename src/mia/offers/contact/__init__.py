"""Contact history: what a subscriber was shown, declined and connected, counted the way a contact policy asks."""

from mia.offers.contact.book import ContactBook
from mia.offers.contact.histories import events_that_count, histories_of
from mia.offers.contact.history import ContactHistory, count_contacts, history_of, no_history
from mia.offers.contact.room import Room

__all__ = [
    "ContactBook",
    "ContactHistory",
    "Room",
    "count_contacts",
    "events_that_count",
    "histories_of",
    "history_of",
    "no_history",
]
