"""Bags of boosted trees, averaged: through the compiled form where it agrees with LightGBM, else by LightGBM."""

import logging
import os
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from mia.frames import Floats
from mia.ranking.forest.forest import Block, Forest, Shared
from mia.ranking.forest.library import evaluator
from mia.ranking.forest.native import texts_of
from mia.ranking.forest.trees import UnsupportedForest

if TYPE_CHECKING:
    import lightgbm

log = logging.getLogger(__name__)

MANY = 50_000
"""Rows from which all processors are put to work."""
PROBES = 64


class Ensemble:
    """Averages what its boosters predict. The compiled form is made at first use, checked against LightGBM on rows at
    and beside the thresholds, and left out with a line in the log where it differs by a single bit. Where the `answers`
    of LightGBM to those rows are known, LightGBM need not be there to be checked against.
    """

    def __init__(self, boosters: Sequence["lightgbm.Booster"], answers: Sequence[str] = ()) -> None:
        self.boosters, self._known = boosters, tuple(answers) or (None,) * len(boosters)
        self._kept: tuple[Block, list[Shared]] | None = None

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled form is in use."""
        return evaluator() is not None and self._forests is not None

    @property
    def answers(self) -> tuple[str, ...]:
        """Digests of what LightGBM answers to the rows that each compiled form is checked on; none without such forms.

        Another machine may round otherwise; there the digests differ, and LightGBM is asked itself.
        """
        if self._forests is None:
            return ()
        return tuple(
            _digest(_answer(booster, forest.probes(PROBES)))
            for forest, booster in zip(self._forests, self.boosters, strict=True)
        )

    def prepare(self) -> None:
        """Make what scores now, so that no request has to wait for it. Raises ValueError for a text that LightGBM has
        to read and cannot.
        """
        if not self.is_compiled:
            tuple(self.boosters)
            return
        for forest in self._forests or ():
            forest.prepare()

    def predict(self, rows: int, blocks: Sequence[Block]) -> Floats:
        """The mean of what the boosters predict for each of R rows, whose columns lie in the blocks."""
        forests = self._forests if evaluator() is not None else None
        threads = (os.cpu_count() or 1) if rows >= MANY else 1
        if forests is None:
            matrix = join(rows, blocks)
            return _mean([np.asarray(one.predict(matrix, num_threads=threads)) for one in self.boosters])
        lasting = [self._shared(block) if block.lasting else [block] * len(forests) for block in blocks]
        return _mean(
            [
                forest.predict(rows, parts, threads)
                for forest, parts in zip(forests, zip(*lasting, strict=True), strict=True)
            ]
        )

    def contributions(self, matrix: Floats) -> Floats:
        """SHAP values of R rows of the whole matrix, R x columns, in the raw score: those of the compiled form, see
        `Forest.contributions`, or LightGBM's exact ones.
        """
        forests = self._forests if evaluator() is not None else None
        if forests is None:
            parts = [np.asarray(one.predict(matrix, pred_contrib=True, num_threads=1)) for one in self.boosters]
            return _mean(parts)[:, :-1]
        return _mean([forest.contributions(matrix) for forest in forests])

    def __getstate__(self) -> dict[str, Any]:
        """Without what was kept for one catalogue."""
        return self.__dict__ | {"_kept": None}

    @cached_property
    def _forests(self) -> tuple[Forest, ...] | None:
        try:
            found = tuple(map(Forest.parse, texts_of(self.boosters)))
        except UnsupportedForest as reason:
            log.warning("no compiled form of the model, LightGBM itself scores: %s", reason)
            return None
        if not all(self._agrees(forest, bag) for bag, forest in enumerate(found)):
            log.warning("the compiled form of the model differs from LightGBM, which scores itself")
            return None
        return found

    def _agrees(self, forest: Forest, bag: int) -> bool:
        if evaluator() is None:
            return True
        probes = forest.probes(PROBES)
        mine = forest.predict(PROBES, [Block(probes, np.arange(forest.features))])
        return _digest(mine) == self._known[bag] or np.array_equal(mine, _answer(self.boosters[bag], probes))

    def _shared(self, block: Block) -> list[Shared]:
        """What a lasting block decides; that of the latest one is kept."""
        kept = self._kept
        if kept is None or kept[0].values is not block.values:
            kept = self._kept = (block, [forest.share(block) for forest in self._forests or ()])
        return [Shared(one.words, block.index) for one in kept[1]]


def join(rows: int, blocks: Sequence[Block]) -> Floats:
    """The matrix of the blocks, R x columns; in single precision where all of them are."""
    kind = np.result_type(np.float32, *(block.values for block in blocks))
    matrix = np.empty((rows, sum(len(block.features) for block in blocks)), kind)
    for block in blocks:
        matrix[:, block.features] = block.values if block.index is None else block.values[block.index]
    return matrix


def whole(matrix: Floats) -> list[Block]:
    """A matrix as the only block."""
    return [Block(matrix, np.arange(matrix.shape[1]))]


def column_of(blocks: Sequence[Block], place: int) -> Floats:
    """One column of the matrix of the blocks (R)."""
    (found,) = (block for block in blocks if place in block.features)
    values: Floats = found.values[:, int(np.flatnonzero(found.features == place)[0])]
    return values if found.index is None else values[found.index]


def _mean(parts: Sequence[Floats]) -> Floats:
    return parts[0] if len(parts) == 1 else np.asarray(np.mean(parts, axis=0))


def _answer(booster: "lightgbm.Booster", probes: Floats) -> Floats:
    return np.asarray(booster.predict(probes, num_threads=1))


def _digest(answer: Floats) -> str:
    return sha256(np.ascontiguousarray(answer, "<f8").tobytes()).hexdigest()
