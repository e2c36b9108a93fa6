"""Whoever passed the door."""

from dataclasses import dataclass

OFFERS, EVENTS, UPTAKE, ADMIN = SCOPES = ("offers", "events", "uptake", "admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """A key or the subject of a token: what it is called, and what it may do."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether it has this scope, or `admin`, which has all of them.

        >>> Caller("app", frozenset({"offers"})).may("events")
        False
        """
        return scope in self.scopes or ADMIN in self.scopes
