"""Refresh: records fold into days, days into window sums, window sums into the profiles of a day."""

from mia.services.refresh.builder import ProfileBuilder
from mia.services.refresh.days import require_as_of
from mia.services.refresh.publish import Refreshed, refresh

__all__ = ["ProfileBuilder", "Refreshed", "refresh", "require_as_of"]
