"""The compiled form of boosted trees: the bits of LightGBM's own prediction, and exact SHAP values, in less time."""

from mia.ranking.forest.ensemble import Ensemble, column_of, join, whole
from mia.ranking.forest.forest import Block, Forest, Shared
from mia.ranking.forest.native import StoredBoosters, native
from mia.ranking.forest.trees import UnsupportedForest

__all__ = [
    "Block",
    "Ensemble",
    "Forest",
    "Shared",
    "StoredBoosters",
    "UnsupportedForest",
    "column_of",
    "join",
    "native",
    "whole",
]
