"""All features in their order, what they are called and what they say of themselves."""

import hashlib
import json

from mia.profiles.features.feature import Feature
from mia.profiles.features.habits import HABITS
from mia.profiles.features.money import MONEY_FEATURES
from mia.profiles.features.package import PACKAGE
from mia.profiles.features.trends import TRENDS
from mia.profiles.features.volumes import VOLUMES
from mia.profiles.windows import WindowColumns

GROUPS: tuple[tuple[str, tuple[Feature, ...]], ...] = (
    ("How much", VOLUMES),
    ("How and when", HABITS),
    ("Where it is going", TRENDS),
    ("What it costs", MONEY_FEATURES),
    ("The package and the contract", PACKAGE),
)
COLUMNS: tuple[Feature, ...] = tuple(column for _, columns in GROUPS for column in columns)
FEATURES: tuple[Feature, ...] = tuple(column for column in COLUMNS if not column.part)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
WINDOW_COLUMNS = WindowColumns.of(
    [
        *(column.total.column for column in COLUMNS if column.total),
        *(column.seen for column in COLUMNS if column.seen),
    ]
)
"""What window sums have to hold for the features."""


def feature_fingerprint() -> str:
    """Short digest of the feature schema; it travels with snapshots and models."""
    declared = [(feature.name, feature.unit, feature.window, feature.about) for feature in FEATURES]
    return hashlib.sha256(json.dumps(declared).encode()).hexdigest()[:12]


def describe() -> list[dict[str, str]]:
    """The declarations as rows for people: group, name, unit, window, description."""
    return [
        {
            "group": group,
            "name": feature.name,
            "unit": feature.unit,
            "window": "-" if feature.window is None else f"{feature.window} days",
            "description": feature.about,
        }
        for group, columns in GROUPS
        for feature in columns
        if not feature.part
    ]
