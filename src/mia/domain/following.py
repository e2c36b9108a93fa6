"""An event that follows a decision."""

from dataclasses import replace

from mia.domain.decision import Decision, RankedOffer
from mia.domain.event import Event


def offer_shown(decision: Decision, offer_id: str) -> RankedOffer | None:
    """The offer of a decision, None where it does not hold it."""
    return next((offer for offer in decision.offers if offer.offer_id == offer_id), None)


def is_unfinished(event: Event) -> bool:
    """Whether the decision of an event could not be looked up when it was taken."""
    return event.decision_id is not None and event.position is None


def follow(event: Event, decision: Decision) -> Event:
    """An unfinished event with position and propensity of the decision that it follows; without the decision where the
    two contradict each other, since the event was acknowledged.
    """
    shown = offer_shown(decision, event.offer_id)
    if shown is None or decision.request.subscriber_id != event.subscriber_id:
        return replace(event, decision_id=None)
    return replace(event, position=shown.position, propensity=shown.propensity)
