"""Validate: look over the lake, or over a catalogue before it is loaded, and say with examples what is wrong."""

from mia.services.validate.catalogue import validate_catalogue
from mia.services.validate.lake import validate
from mia.services.validate.people import People
from mia.services.validate.reach import Order

__all__ = ["Order", "People", "validate", "validate_catalogue"]
