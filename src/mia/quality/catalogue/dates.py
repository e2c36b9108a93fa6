"""Checks of when offers are valid."""

from datetime import date

from mia.domain.offer import Offer
from mia.quality.catalogue.facts import CatalogueFacts
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Example, Finding
from mia.timeline import date_of


def expired(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Offers whose last day is over, the latest first."""
    over = sorted((offer for offer in facts.offers if _is_over(offer, facts)), key=_last_day, reverse=True)
    examples = [Example(f"its last day was {offer.valid_to}", {"offer": offer.id}) for offer in over]
    return Finding(float(len(over)), "", examples)


def none_valid(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Share of offers that are not valid on the day."""
    if not facts.offers:
        return Finding(None, "no offer can be read")
    away = [offer for offer in facts.offers if not is_valid(offer, facts)]
    examples = [Example(f"valid {offer.valid_from} to {offer.valid_to}", {"offer": offer.id}) for offer in away]
    return Finding(len(away) / len(facts.offers), f"{len(away):,} of {len(facts.offers):,}", examples)


def expired_requires(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Valid offers that only those who connected an expired one in time can get."""
    over = {offer.id for offer in facts.offers if _is_over(offer, facts)}
    examples = [
        Example(f"requires {', '.join(sorted(offer.requires & over))}, whose last day is over", {"offer": offer.id})
        for offer in facts.offers
        if offer.requires & over and not _is_over(offer, facts)
    ]
    return Finding(float(len(examples)), "", examples)


def is_valid(offer: Offer, facts: CatalogueFacts) -> bool:
    """Whether an offer can be shown on the day of the check."""
    return (offer.valid_from or date.min) <= date_of(facts.as_of) and not _is_over(offer, facts)


def _is_over(offer: Offer, facts: CatalogueFacts) -> bool:
    return _last_day(offer) < date_of(facts.as_of)


def _last_day(offer: Offer) -> date:
    return offer.valid_to or date.max
