"""The trees as the flat arrays that the compiled evaluator reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.ranking.forest.trees import Tree, Trees

BITS, LANES = 64, 8
FULL = (1 << BITS) - 1
STEP = np.dtype([("threshold", np.float64), ("kept", np.uint64), ("word", np.int64)])


@dataclass(frozen=True, slots=True)
class Walk:
    """One inner node met from left to right: the leaves of its left subtree are [first, last), as bits of the tree."""

    node: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Masks:
    """Leaves as bits, from left to right, and what each feature rules out.

    Taking a `step` (where the row goes right) keeps the leaves `kept` of a word. Steps lie by feature and threshold,
    those of `absent`, taken where a value is missing, by feature.
    """

    steps: NDArray[Any]
    step_start: Ints
    absent: NDArray[Any]
    absent_start: Ints
    word_start: Ints
    leaf_start: Ints
    leaves: Floats

    @classmethod
    def build(cls, trees: Trees) -> Self:
        """From all trees of a model."""
        steps: list[tuple[int, float, int, int]] = []
        absent: list[tuple[int, float, int, int]] = []
        leaves: list[float] = []
        words, starts, word_start = 0, [], [0]
        for tree in trees.trees:
            order, walks = _left_to_right(tree)
            starts.append(len(leaves))
            leaves.extend(tree.value[order].tolist())
            for walk in walks:
                node = walk.node
                taken = [
                    (int(tree.feature[node]), float(tree.threshold[node]), kept, words + word)
                    for word, kept in _kept(walk)
                ]
                steps.extend(taken)
                if tree.absent_right[node]:
                    absent.extend(taken)
            words += -(-len(order) // BITS)
            word_start.append(words)
        return cls(
            *_sorted(steps, trees.features),
            *_sorted(absent, trees.features),
            np.asarray(word_start, np.int64),
            np.asarray(starts, np.int64),
            np.asarray(leaves),
        )


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths to all leaves, eight of one length side by side.

    On each path a feature comes once: a row agrees with it when `above` < value <= `upto` (NaN or inf where unbound)
    or, for a missing value, where `absent` says so; `share` is the part of the training rows that agreed. Padding
    agrees with everything and weighs nothing.
    """

    length: Ints
    start: Ints
    feature: NDArray[np.int32]
    above: Floats
    upto: Floats
    share: Floats
    absent: Floats
    leaf: Floats
    points: Floats
    weights: Floats
    point_start: Ints

    @classmethod
    def build(cls, trees: Trees) -> Self:
        """From all trees of a model."""
        by_length: dict[int, list[tuple[float, dict[int, _Bound]]]] = {}
        for tree in trees.trees:
            for value, bounds in _paths(tree):
                if bounds:
                    by_length.setdefault(len(bounds), []).append((value, bounds))
        length: list[int] = []
        leaf: list[float] = []
        cells: list[tuple[int, _Bound]] = []
        for size, found in sorted(by_length.items()):
            for at in range(0, len(found), LANES):
                group = found[at : at + LANES]
                spare = LANES - len(group)
                length.append(size)
                leaf.extend([*(value for value, _ in group), *([0.0] * spare)])
                for place in range(size):
                    cells.extend([*(list(bounds.items())[place] for _, bounds in group), *([(0, _Bound())] * spare)])
        points, weights, starts = _gauss(max(by_length, default=0))
        each = [bound for _, bound in cells]
        return cls(
            np.asarray(length, np.int64),
            np.cumsum([0, *length])[:-1].astype(np.int64),
            np.asarray([feature for feature, _ in cells], np.int32),
            np.asarray([bound.above for bound in each], float),
            np.asarray([bound.upto for bound in each], float),
            np.asarray([bound.share for bound in each], float),
            np.asarray([bound.absent for bound in each], float),
            np.asarray(leaf, float),
            points,
            weights,
            starts,
        )


@dataclass(frozen=True, slots=True)
class _Bound:
    above: float = np.nan
    upto: float = np.inf
    share: float = 1.0
    absent: bool = True

    def left(self, threshold: float, share: float, absent: bool) -> "_Bound":
        return _Bound(self.above, min(self.upto, threshold), self.share * share, self.absent and absent)

    def right(self, threshold: float, share: float, absent: bool) -> "_Bound":
        # NaN is no bound: the comparison fails and the threshold is taken.
        above = self.above if self.above >= threshold else threshold
        return _Bound(above, self.upto, self.share * share, self.absent and absent)


def _left_to_right(tree: Tree) -> tuple[list[int], list[Walk]]:
    """Leaves from left to right, and the inner nodes with the leaves of their left subtrees."""
    order: list[int] = []
    walks: list[Walk] = []
    # A node is met three times over: before its left subtree, and after it, when its leaves are known.
    todo: list[tuple[int, int]] = [(0 if len(tree.feature) else -1, -1)]
    while todo:
        node, first = todo.pop()
        if node < 0:
            order.append(-node - 1)
        elif first < 0:
            todo.extend([(int(tree.right[node]), -1), (node, len(order)), (int(tree.left[node]), -1)])
        else:
            walks.append(Walk(node, first, len(order)))
    return order, walks


def _kept(walk: Walk) -> Iterator[tuple[int, int]]:
    """Each word that loses leaves when a row goes right at this node, and the bits that it keeps."""
    for word in range(walk.first // BITS, -(-walk.last // BITS)):
        low, high = max(walk.first - word * BITS, 0), min(walk.last - word * BITS, BITS)
        yield word, FULL & ~((1 << high) - (1 << low))


def _sorted(steps: list[tuple[int, float, int, int]], features: int) -> tuple[NDArray[Any], Ints]:
    """Steps by feature and threshold, and where each feature begins."""
    out = np.empty(len(steps), STEP)
    out["threshold"] = [threshold for _, threshold, _, _ in steps]
    out["kept"] = np.asarray([kept for _, _, kept, _ in steps], np.uint64)
    out["word"] = [word for _, _, _, word in steps]
    feature = np.asarray([feature for feature, _, _, _ in steps], np.int64)
    order = np.lexsort((out["word"], out["threshold"], feature))
    return out[order], np.searchsorted(feature[order], np.arange(features + 1)).astype(np.int64)


def _paths(tree: Tree) -> Iterator[tuple[float, dict[int, _Bound]]]:
    """Value of each leaf and the bounds of the features on the path to it."""
    todo: list[tuple[int, dict[int, _Bound]]] = [(0 if len(tree.feature) else -1, {})]
    while todo:
        node, bounds = todo.pop()
        if node < 0:
            yield float(tree.value[-node - 1]), bounds
            continue
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        bound, absent = bounds.get(feature, _Bound()), bool(tree.absent_right[node])
        left, right = int(tree.left[node]), int(tree.right[node])
        todo.append((right, bounds | {feature: bound.right(threshold, _share(tree, node, right), absent)}))
        todo.append((left, bounds | {feature: bound.left(threshold, _share(tree, node, left), not absent)}))


def _share(tree: Tree, node: int, child: int) -> float:
    count = tree.leaf_count[-child - 1] if child < 0 else tree.count[child]
    return float(count / tree.count[node])


def _gauss(longest: int) -> tuple[Floats, Floats, Ints]:
    """Gauss-Legendre points and weights on [0, 1] for each path length from 0: exact for all but one of its factors."""
    rules = [np.polynomial.legendre.leggauss(max(1, -(-length // 2))) for length in range(longest + 1)]
    starts = np.cumsum([0, *(len(points) for points, _ in rules)]).astype(np.int64)
    return (
        np.concatenate([(points + 1.0) / 2.0 for points, _ in rules]),
        np.concatenate([weights / 2.0 for _, weights in rules]),
        starts,
    )
