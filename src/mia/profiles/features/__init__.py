"""The features of a profile, each declared once: name, unit, window, description and expression.

A profile as of day D is what is known at 00:00 local time of D: a window of N days covers the N local days that end the
day before D. Sums and counts are 0 for a subscriber without records; shares and ages are null when there is nothing to
divide or to count from.
"""

from mia.profiles.features.build import build_features, spine_of_day
from mia.profiles.features.declared import FEATURE_NAMES, FEATURES, WINDOW_COLUMNS, describe, feature_fingerprint

__all__ = [
    "FEATURES",
    "FEATURE_NAMES",
    "WINDOW_COLUMNS",
    "build_features",
    "describe",
    "feature_fingerprint",
    "spine_of_day",
]
