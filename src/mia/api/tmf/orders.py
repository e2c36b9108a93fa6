"""Product orders close the loop: an order event that carries a decision id as `externalId` becomes MIA's own events.

Read from TMF622 v4 (ProductOrderStateChangeEvent) is what it takes; all else of the document is let in unread.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from mia.api.tmf.wire import Part, Reference
from mia.domain.decision import DecisionRequest
from mia.domain.event import EventKind
from mia.services.record import Identifier

COMPLETED = "completed"
KINDS = {"add": EventKind.CONNECTION, "delete": EventKind.DISCONNECTION}
"""What an action of an order item does; others change nothing that MIA counts."""


class OrderItem(Part):
    """One line of an order."""

    id: Identifier
    action: str = Field(description="`add` connects, `delete` disconnects, others are passed over")
    state: str | None = Field(None, description="counts when it is `completed`; else the state of the order does")
    product_offering: Reference | None = Field(None, description="`id` is the offer")


class ProductOrder(Part):
    """A product order."""

    id: Identifier
    external_id: Identifier = Field(description="the decision id")
    state: str | None = None
    completion_date: str | None = Field(None, description="RFC 3339; else the time of the event")
    product_order_item: list[OrderItem] = Field(min_length=1, max_length=1_000)


class OrderPayload(Part):
    """What the event is about."""

    product_order: ProductOrder


class OrderEvent(Part):
    """ProductOrderStateChangeEvent of TMF622 v4."""

    event_id: Identifier
    event_time: str = Field(description="RFC 3339")
    event_type: str | None = None
    event: OrderPayload


class OrderTaken(Part):
    """The answer of the standard to a notification, and what became of the items of the order."""

    id: str = Field(description="the id of the event")
    callback: str
    accepted: list[str] = Field(description="events recorded, by `order id/item id/kind`")
    duplicate: list[str] = Field(description="recorded before with the same content")
    rejected: list[dict[str, Any]] = Field(description="`event_id` and `reason`")


def events_of(order: ProductOrder, request: DecisionRequest, event_time: str) -> Iterator[dict[str, Any]]:
    """An event for each completed item, of the subscriber and in the channel of the decision that the order names.

    The event id follows from order, item and kind, so a notification that comes again counts once.
    """
    for item in order.product_order_item:
        kind = KINDS.get(item.action)
        if kind is None or item.product_offering is None or (item.state or order.state) != COMPLETED:
            continue
        yield {
            "event_id": f"{order.id}/{item.id}/{kind}",
            "occurred_at": order.completion_date or event_time,
            "subscriber_id": request.subscriber_id,
            "offer_id": item.product_offering.id,
            "kind": str(kind),
            "channel": request.channel,
            "decision_id": order.external_id,
        }
