"""Checks of what offers cost and earn."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from mia.domain.offer import Offer
from mia.quality.catalogue.facts import CatalogueFacts
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Example, Finding

FEW = 3
"""Priced offers of a category below which nothing is usual there."""


def odd_prices(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:
    """Price, margin, discount and priority that do not fit together, or the category."""
    prices: dict[str, list[float]] = defaultdict(list)
    for offer in facts.offers:
        if offer.price > 0:
            prices[offer.category].append(offer.price)
    usual = {category: median(known) for category, known in prices.items() if len(known) >= FEW}
    examples = [
        Example(what, {"offer": offer.id})
        for offer in facts.offers
        for what in _odd(offer, usual.get(offer.category), limits.price_factor)
    ]
    return Finding(float(len({example.place["offer"] for example in examples})), "", examples)


def overpriced(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Offers of whose category another one gives no less for no more."""
    siblings: dict[str, list[Offer]] = defaultdict(list)
    for offer in facts.offers:
        if offer.gives and offer.price > 0:
            siblings[offer.category].append(offer)
    examples = [
        Example(f"{better.id} gives no less for {better.price:g}, not {offer.price:g}", {"offer": offer.id})
        for group in siblings.values()
        for offer in group
        if (better := next((other for other in group if _is_better(other, offer)), None)) is not None
    ]
    return Finding(float(len(examples)), "", examples)


def _odd(offer: Offer, usual: float | None, factor: float) -> Iterator[str]:
    if offer.discount == 1 and offer.price > 0:
        yield f"costs {offer.price:g}, and all of it is discounted"
    if offer.value < 0:
        yield f"each connection loses {-offer.value:g}"
    if offer.value > offer.price > 0:
        yield f"earns {offer.value:g}, more than its price of {offer.price:g}"
    if offer.priority == 0:
        yield "a priority of 0 puts it behind all others"
    if usual is not None and offer.price > factor * usual:
        yield f"costs {offer.price:g}, where {usual:g} is usual in {offer.category}"


def _is_better(other: Offer, offer: Offer) -> bool:
    if other is offer or other.kind != offer.kind or other.price > offer.price:
        return False
    no_less = all(other.gives.get(name, 0.0) >= amount for name, amount in offer.gives.items())
    return no_less and (other.price < offer.price or dict(other.gives) != dict(offer.gives))
