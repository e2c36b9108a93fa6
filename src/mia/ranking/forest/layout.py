"""The trees as the flat arrays that the compiled evaluator reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.ranking.forest.trees import Tree, Trees

BITS = 64
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
