"""The trees of a LightGBM model, read from its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from mia.frames import Floats, Ints

CATEGORICAL, DEFAULT_LEFT, MISSING_BITS = 1, 2, 12
MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 4, 8
SIGMOID = ("binary", "cross_entropy", "xentropy")
PLAIN = ("lambdarank", "rank_xendcg", "regression", "regression_l1", "huber", "fair", "quantile", "mape")


class UnsupportedForest(ValueError):
    """The model has something that only LightGBM itself evaluates; the message says what."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of n inner nodes and n + 1 leaves; a child below 0 is the leaf `-child - 1`.

    A row goes left at a node when its value of `feature` is at most `threshold`; where the value is missing,
    `absent_right` says where it goes. `zero_absent` nodes count a zero as missing. Counts are of training rows.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    absent_right: Ints
    zero_absent: Ints
    value: Floats
    leaf_count: Floats
    count: Floats

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> Self:
        """From the lines of one tree; raises UnsupportedForest."""
        if fields.get("num_cat", "0") != "0" or fields.get("is_linear", "0") != "0":
            raise UnsupportedForest("it has categorical splits or linear leaves")
        kind = _ints(fields, "decision_type")
        threshold, missing = _floats(fields, "threshold"), kind & MISSING_BITS
        # Without a kind of missing value, LightGBM reads what is missing as 0.
        absent_right = np.where(missing == MISSING_NONE, threshold < 0.0, (kind & DEFAULT_LEFT) == 0)
        return cls(
            _ints(fields, "split_feature"),
            threshold,
            _ints(fields, "left_child"),
            _ints(fields, "right_child"),
            absent_right.astype(np.int64),
            (missing == MISSING_ZERO).astype(np.int64),
            _floats(fields, "leaf_value"),
            _floats(fields, "leaf_count"),
            _floats(fields, "internal_count"),
        )


@dataclass(frozen=True, slots=True)
class Trees:
    """All trees of a model over `features` columns; `steepness` is that of the sigmoid over their sum, or None."""

    trees: tuple[Tree, ...]
    features: int
    steepness: float | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the text of a model, as `Booster.model_to_string` gives it; raises UnsupportedForest."""
        head, *parts = text.split("\nTree=")
        fields = _fields(head)
        if fields.get("num_tree_per_iteration") != "1" or "average_output" in head.splitlines():
            raise UnsupportedForest("it has several classes, or averages its trees")
        trees = tuple(Tree.parse(_fields(part.partition("\nend of trees")[0])) for part in parts)
        found = cls(trees, int(fields["max_feature_idx"]) + 1, _steepness(fields.get("objective", "regression")))
        counts = np.zeros((2, found.features), np.int64)
        for tree in trees:
            np.add.at(counts, (tree.zero_absent, tree.feature), 1)
        if np.any((counts[0] > 0) & (counts[1] > 0)):
            raise UnsupportedForest("zeros of one feature are missing at some nodes and not at others")
        return found

    @property
    def zero_absent(self) -> Ints:
        """Which features count a zero as missing (0 or 1)."""
        found = np.zeros(self.features, np.int64)
        for tree in self.trees:
            found[tree.feature] |= tree.zero_absent
        return found


def _steepness(objective: str) -> float | None:
    name, *settings = objective.split()
    if name in SIGMOID:
        return next((float(setting.partition(":")[2]) for setting in settings if setting.startswith("sigmoid:")), 1.0)
    if name not in PLAIN or "sqrt" in settings:
        raise UnsupportedForest(f"its objective is {objective}")
    return None


def _fields(part: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in part.splitlines())}


def _ints(fields: Mapping[str, str], name: str) -> Ints:
    return np.asarray(fields.get(name, "").split(), np.int64)


def _floats(fields: Mapping[str, str], name: str) -> Floats:
    return np.asarray(fields.get(name, "").split(), np.float64)
