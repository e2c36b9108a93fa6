"""The trees as the flat arrays that SHAP values are computed from."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints, Singles
from mia.ranking.forest.trees import Tree, Trees

POINTS = 2
"""Gauss points: enough for paths of four features to the last digit, and for longer ones to tell which says most."""
NODE = np.dtype(
    [
        ("threshold", np.float32),
        ("left", np.float32),
        ("told", np.float32, POINTS),
        ("slope", np.float32, POINTS),
        ("feature", np.int32),
        ("above", np.int32),
        ("child", np.int32, 2),
    ]
)


@dataclass(frozen=True, slots=True)
class Splits:
    """The inner nodes of all trees, each tree from its root down, and the values of their leaves.

    `left` is the part of a node's training rows that went left; of a node n of a tree with n nodes, child n + i is leaf
    i. `above` is 0, or 1 + twice the node further up that asked for the same feature, and one more where the way from
    there went right; `feature` is doubled too, and one more where a missing value goes right. At each point, `told` is
    the chance that the feature is known here, `slope` how fast that moves what the node is worth.
    """

    nodes: NDArray[Any]
    node_start: Ints
    leaves: Singles
    leaf_start: Ints
    weights: Singles

    @classmethod
    def build(cls, trees: Trees) -> Self:
        """From all trees of a model; those without a split say nothing."""
        grown = [tree for tree in trees.trees if len(tree.feature)]
        points, weights = np.polynomial.legendre.leggauss(POINTS)
        sizes = np.asarray([len(tree.feature) for tree in grown], np.int64)
        return cls(
            np.concatenate([np.zeros(0, NODE), *(_nodes(tree, (points + 1.0) / 2.0) for tree in grown)]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([np.zeros(0), *(tree.value for tree in grown)]).astype(np.float32),
            (np.cumsum(sizes + 1) - sizes - 1).astype(np.int64),
            (weights / 2.0).astype(np.float32),
        )


def _nodes(tree: Tree, points: Floats) -> NDArray[Any]:
    """The nodes of a tree, parents first."""
    nodes = np.zeros(len(tree.feature), NODE)
    place: dict[int, int] = {}
    order: list[int] = []
    todo = [0]
    while todo:
        node = todo.pop(0)
        place[node] = len(order)
        order.append(node)
        todo.extend(child for child in (int(tree.right[node]), int(tree.left[node])) if child >= 0)
    known = np.ones(len(order))
    # What was asked of each feature on the way to a node: where, and the share that agreed with all of it.
    asked: dict[int, dict[int, tuple[int, float]]] = {0: {}}
    for node in order:
        path, feature, here = asked.pop(node), int(tree.feature[node]), place[node]
        above, known[here] = path.get(feature, (0, 1.0))
        left = _share(tree, node, int(tree.left[node]))
        children = [int(tree.left[node]), int(tree.right[node])]
        nodes["feature"][here] = 2 * feature + tree.absent_right[node]
        nodes["above"][here], nodes["left"][here] = above, left
        nodes["child"][here] = [place[child] if child >= 0 else len(order) - child - 1 for child in children]
        for way, (child, share) in enumerate(zip(children, (left, 1.0 - left), strict=True)):
            if child >= 0:
                asked[child] = path | {feature: (1 + 2 * here + way, known[here] * share)}
    # A value in single precision is above the threshold where it is above the last such number that is not.
    threshold = tree.threshold[order]
    single = threshold.astype(np.float32)
    nodes["threshold"] = np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)
    agreed = points + (1.0 - points) * known[:, None]
    nodes["told"], nodes["slope"] = points / agreed, known[:, None] / agreed**2
    return nodes


def _share(tree: Tree, node: int, child: int) -> float:
    count = tree.leaf_count[-child - 1] if child < 0 else tree.count[child]
    return float(count / tree.count[node])
