"""What each check of a catalogue tolerates. The settings take these as their section `[catalogue]`."""

from dataclasses import dataclass
from math import inf

from mia.quality.limits import Limit

NONE_AT_ALL = Limit(0, 0)
TO_BE_LOOKED_AT = Limit(0, inf)
NOT_ALL = Limit(0.5, 0.99)


@dataclass(frozen=True, slots=True)
class CatalogueLimits:
    """Limits of the checks by name, in offers unless it says otherwise; raises ValueError for what cannot be."""

    unreadable: Limit = NONE_AT_ALL
    """Fields that break a rule, such as a price that is no number."""
    duplicate_ids: Limit = NONE_AT_ALL
    """Offers whose id came before."""
    missing_translations: Limit = NONE_AT_ALL
    """Offers whose name or description lacks a language."""
    doubtful_translations: Limit = TO_BE_LOOKED_AT
    """Offers whose English holds Cyrillic letters, or whose Russian description holds none."""
    no_description: Limit = TO_BE_LOOKED_AT
    """Offers without a description."""
    unknown_links: Limit = NONE_AT_ALL
    """Offers that require or exclude one that is not there, or themselves."""
    contradictions: Limit = NONE_AT_ALL
    """Offers whose conditions can never hold together."""
    requires_circles: Limit = NONE_AT_ALL
    """Circles of offers of which each requires the next."""
    impossible_requires: Limit = NONE_AT_ALL
    """Offers that require what excludes each other, what they exclude themselves, or what nobody can connect."""
    exclusion_circles: Limit = TO_BE_LOOKED_AT
    """Circles of offers of which each excludes the next: the one connected first bars the others for good."""
    expired: Limit = TO_BE_LOOKED_AT
    """Offers whose last day is over."""
    none_valid: Limit = NOT_ALL
    """Share of offers that are not valid on the day."""
    expired_requires: Limit = TO_BE_LOOKED_AT
    """Valid offers that require one whose last day is over."""
    odd_prices: Limit = TO_BE_LOOKED_AT
    """Offers whose price, margin, discount or priority does not fit together, or the category."""
    overpriced: Limit = TO_BE_LOOKED_AT
    """Offers of whose category another one gives no less for no more."""
    unknown_columns: Limit = NONE_AT_ALL
    """Offers with a condition on a column that no subscriber has."""
    unknown_regions: Limit = TO_BE_LOOKED_AT
    """Offers for a region without subscribers."""
    unreachable: Limit = NONE_AT_ALL
    """Offers that no subscriber can be shown, by region and conditions."""
    always_loses: Limit = TO_BE_LOOKED_AT
    """Offers that are never among the first `places` of anybody who may see them."""
    places: int = 3
    """Places of an answer that an offer has to come into for anybody."""
    sample: int = 100_000
    """Subscribers at most that reach is counted among; all of a smaller lake."""
    arbitrated: int = 2_000
    """Subscribers at most whose offers are put in order."""
    minimum_allowed: int = 10
    """Subscribers in the sample below whom it is not judged whether an offer always loses."""
    price_factor: float = 20.0
    """Multiple of the median price of its category from which a price is odd."""
    examples: int = 5
    """Examples that a check names at most."""

    def __post_init__(self) -> None:
        for name, least in (("places", 1), ("sample", 1), ("arbitrated", 1), ("minimum_allowed", 1), ("examples", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}")
        if self.price_factor <= 1:
            raise ValueError("price_factor must be above 1")
