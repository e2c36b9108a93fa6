"""What a subscriber did with an offer. The client's event id is the idempotency key."""

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """Kinds of events; only an impression means that the offer was really shown."""

    IMPRESSION = "impression"
    CLICK = "click"
    CONNECTION = "connection"
    DECLINE = "decline"
    DISCONNECTION = "disconnection"


class Channel(StrEnum):
    """Where an offer is shown."""

    APP = "app"
    WEB = "web"
    CHAT = "chat"
    WHATSAPP = "whatsapp"
    VK = "vk"
    CALL_CENTRE = "call_centre"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Event:
    """One event, complete: what a client leaves out is filled in before it gets here.

    `occurred_at` in microseconds since the epoch; `local_day` is the subscriber's local day; `position` counts
    from 1; `propensity` lies in (0, 1].
    """

    event_id: str
    occurred_at: int
    subscriber_id: str
    offer_id: str
    kind: EventKind
    channel: str
    local_day: int
    arm: str
    region: str | None = None
    macro_region: str | None = None
    decision_id: str | None = None
    position: int | None = None
    propensity: float | None = None


class Outcome(StrEnum):
    """What became of an event that was handed to the ledger; OVER_BUDGET is a connection beyond what its offer may have
    in all, which is not kept.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    OVER_BUDGET = "over_budget"


@dataclass(frozen=True, slots=True)
class Response:
    """One past event of a subscriber, as the contact policy needs it; `channel` None where it is not known."""

    offer_id: str
    kind: EventKind
    occurred_at: int
    channel: str | None = None
