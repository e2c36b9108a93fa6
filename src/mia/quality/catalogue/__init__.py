"""The checks of a catalogue: what is wrong with its offers, by themselves, with each other, and for the subscribers."""

from mia.quality.catalogue.facts import CatalogueFacts, Fault, Reach, Wins
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.catalogue.report import CatalogueReport, check_catalogue

__all__ = [
    "CatalogueFacts",
    "CatalogueLimits",
    "CatalogueReport",
    "Fault",
    "Reach",
    "Wins",
    "check_catalogue",
]
