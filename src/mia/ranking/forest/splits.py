"""The trees as the flat arrays that SHAP values are computed from."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.ranking.forest.trees import Tree, Trees

LANES = 8
"""Gauss points that are worked on side by side."""
NODE = np.dtype(
    [
        ("threshold", np.float64),
        ("left", np.float64),
        ("feature", np.int32),
        ("above", np.int32),
        ("child", np.int32, 2),
    ]
)


@dataclass(frozen=True, slots=True)
class Splits:
    """The inner nodes of all trees, each tree from its root down, and the values of their leaves.

    `left` is the part of a node's training rows that went left; of a node n of a tree with n nodes, child n + i is leaf
    i. `above` is the node further up that asked for the same feature, else the node itself, twice, and one more where
    the way from there went right; `feature` is doubled too, and one more where a missing value goes right.
    `groups` says how many times LANES Gauss points a tree takes; the points and weights for one group come first, then
    those for two.
    """

    nodes: NDArray[Any]
    node_start: Ints
    leaves: Floats
    leaf_start: Ints
    groups: Ints
    points: Floats
    weights: Floats

    @classmethod
    def build(cls, trees: Trees) -> Self:
        """From all trees of a model; those without a split say nothing."""
        grown = [tree for tree in trees.trees if len(tree.feature)]
        found = [_nodes(tree) for tree in grown]
        groups = np.asarray([-(-most // (2 * LANES)) for _, most in found], np.int64)
        rules = [np.polynomial.legendre.leggauss(LANES * size) for size in range(1, int(groups.max(initial=0)) + 1)]
        sizes = np.asarray([len(tree.feature) for tree in grown], np.int64)
        return cls(
            np.concatenate([np.zeros(0, NODE), *(nodes for nodes, _ in found)]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([np.zeros(0), *(tree.value for tree in grown)]),
            (np.cumsum(sizes + 1) - sizes - 1).astype(np.int64),
            groups,
            np.concatenate([np.zeros(0), *((points + 1.0) / 2.0 for points, _ in rules)]),
            np.concatenate([np.zeros(0), *(weights / 2.0 for _, weights in rules)]),
        )


def _nodes(tree: Tree) -> tuple[NDArray[Any], int]:
    """The nodes of a tree, parents first, and the most features on one path."""
    nodes, most = np.zeros(len(tree.feature), NODE), 0
    place: dict[int, int] = {}
    order: list[int] = []
    todo = [0]
    while todo:
        node = todo.pop(0)
        place[node] = len(order)
        order.append(node)
        todo.extend(child for child in (int(tree.right[node]), int(tree.left[node])) if child >= 0)
    # What was asked of each feature on the way to a node: the node, and the way from there.
    asked: dict[int, dict[int, tuple[int, int]]] = {0: {}}
    for node in order:
        path, feature = asked.pop(node), int(tree.feature[node])
        above, side = path.get(feature, (place[node], 0))
        left = _share(tree, node, int(tree.left[node]))
        children = [int(tree.left[node]), int(tree.right[node])]
        nodes[place[node]] = (
            tree.threshold[node],
            left,
            2 * feature + tree.absent_right[node],
            2 * above + side,
            [place[child] if child >= 0 else len(order) - child - 1 for child in children],
        )
        for way, child in enumerate(children):
            below = path | {feature: (place[node], way)}
            most = max(most, len(below))
            if child >= 0:
                asked[child] = below
    return nodes, most


def _share(tree: Tree, node: int, child: int) -> float:
    count = tree.leaf_count[-child - 1] if child < 0 else tree.count[child]
    return float(count / tree.count[node])
