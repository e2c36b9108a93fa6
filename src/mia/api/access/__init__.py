"""Who may pass: API keys, bearer tokens and sessions, with their scopes and rates."""

from mia.api.access.access import Access
from mia.api.access.caller import ADMIN, EVENTS, OFFERS, UPTAKE, Caller
from mia.api.access.key_ring import FRESH_FOR, KeyRing

__all__ = ["ADMIN", "EVENTS", "FRESH_FOR", "OFFERS", "UPTAKE", "Access", "Caller", "KeyRing"]
