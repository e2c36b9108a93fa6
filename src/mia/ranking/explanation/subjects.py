"""What an offer must be for a text to speak of it: known of the catalogue, whoever the subscriber is."""

from collections.abc import Callable

from mia.domain.offer import Offer

Subject = Callable[[Offer], bool]


def anything(offer: Offer) -> bool:  # noqa: ARG001 - asked as all subjects are
    """Any offer."""
    return True


def package(offer: Offer) -> bool:
    """An offer that gives something."""
    return bool(offer.gives)


def discounted(offer: Offer) -> bool:
    """An offer at a discount."""
    return offer.discount > 0


def gives(name: str) -> Subject:
    """An offer that gives some of it."""
    return lambda offer: offer.gives.get(name, 0.0) > 0


def tagged(*tags: str) -> Subject:
    """An offer of one of these tags or categories."""
    wanted = frozenset(tags)
    return lambda offer: offer.category in wanted or not wanted.isdisjoint(offer.tags)
