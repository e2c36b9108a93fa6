"""What a player needs of a service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer of the service: the offers to show, in order."""

    decision_id: str
    offer_ids: tuple[str, ...]


class Door(Protocol):
    """A service at a simulated time, in microseconds since the epoch. Several threads may use one door."""

    def decide(self, subscriber_id: str, channel: str, request_id: str, at: int) -> Decided:
        """Offers for a subscriber who comes at a time."""

    def record(self, events: Sequence[dict[str, Any]], at: int) -> list[str]:
        """Tell what happened up to a time, as `POST /v1/events` takes it; the reasons of what was refused."""
