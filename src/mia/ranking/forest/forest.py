"""A forest that scores and explains through the compiled evaluator."""

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import byref
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints
from mia.ranking.forest.layout import Masks
from mia.ranking.forest.library import evaluator
from mia.ranking.forest.splits import Splits
from mia.ranking.forest.trees import Trees

PART = 4_096
"""Pairs that are worth a thread of their own."""


class _Forest(ctypes.Structure):
    _fields_ = (
        ("trees", ctypes.c_int64),
        ("words", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("steps", "step_start", "absent", "absent_start", "zero_absent")),
        *((name, ctypes.c_void_p) for name in ("word_start", "leaf_start", "leaves")),
    )


class _Block(ctypes.Structure):
    _fields_ = (
        ("values", ctypes.c_void_p),
        ("stride", ctypes.c_int64),
        ("single", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        ("features", ctypes.c_void_p),
    )


class _Shared(ctypes.Structure):
    _fields_ = (("words", ctypes.c_void_p), ("index", ctypes.c_void_p))


class _Splits(ctypes.Structure):
    _fields_ = (
        ("trees", ctypes.c_int64),
        ("largest", ctypes.c_int64),
        *((field.name, ctypes.c_void_p) for field in fields(Splits)),
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Some columns of the matrix: `values` is N x c (single or double), `features` (c) says which columns they are.

    Row `index[i]` belongs to pair i; without an index row i does. Where it is used by many pairs, what a row decides
    is worked out once; of a `lasting` block, whose values serve many calls, it is kept.
    """

    values: NDArray[Any]
    features: Ints
    index: Ints | None = None
    lasting: bool = False

    def take(self, which: Ints) -> "Block":
        """The block of some of the pairs, in their order."""
        return Block(self.values, self.features, which if self.index is None else self.index[which])


@dataclass(frozen=True, slots=True)
class Shared:
    """What N rows of a block leave of the trees (N x words), and the row of each pair."""

    words: NDArray[np.uint64]
    index: Ints | None


@dataclass(frozen=True)
class Forest:
    """Boosted trees in the form of the compiled evaluator; plain arrays, so that it travels to other processes."""

    trees: Trees

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the text of a LightGBM model; raises UnsupportedForest."""
        return cls(Trees.parse(text))

    @property
    def features(self) -> int:
        """Columns of the matrix."""
        return self.trees.features

    @cached_property
    def masks(self) -> Masks:
        """The trees as what scores."""
        return Masks.build(self.trees)

    @cached_property
    def splits(self) -> Splits:
        """The trees as what explains."""
        return Splits.build(self.trees)

    def prepare(self) -> None:
        """Make what scores and explains."""
        self._c, self._c_splits  # noqa: B018 - kept once they were asked for

    @property
    def words(self) -> int:
        """Words of leaves in all trees."""
        return int(self.masks.word_start[-1])

    def share(self, block: Block) -> Shared:
        """What the rows of a block decide, once for all of its pairs. Raises OSError without the evaluator."""
        block, words = _plain(block), np.empty((len(block.values), self.words), np.uint64)
        _library().forest_share(byref(self._c), byref(_c_block(block)), 0, len(words), _at(words))
        return Shared(words, block.index)

    def raw(self, rows: int, parts: Sequence[Block | Shared], threads: int = 1) -> Floats:
        """The sums of the leaves of each of R pairs, as `Booster.predict(raw_score=True)` gives them, bit by bit."""
        if not rows:
            return np.empty(0)
        kept = [_readable(part) for part in parts if isinstance(part, Shared)]
        kept += [self.share(part) for part in parts if isinstance(part, Block) and _is_shared(part, rows)]
        direct = [_plain(part, spread=True) for part in parts if isinstance(part, Block) and not _is_shared(part, rows)]
        shares = (_Shared * max(1, len(kept)))(*(_Shared(_at(one.words), _at(one.index)) for one in kept))
        blocks = (_Block * max(1, len(direct)))(*(_c_block(one) for one in direct))
        out, library, trees = np.empty(rows), _library(), byref(self._c)

        def score(start: int, end: int) -> None:
            if library.forest_score(trees, shares, len(kept), blocks, len(direct), start, end, _at(out)):
                raise MemoryError("no memory to score in")

        if threads == 1 or rows < 2 * PART:
            score(0, rows)
        else:
            bounds = np.linspace(0, rows, min(threads, rows // PART) + 1).astype(int).tolist()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(score, bounds[:-1], bounds[1:]))
        return out

    def predict(self, rows: int, parts: Sequence[Block | Shared], threads: int = 1) -> Floats:
        """What `Booster.predict` gives, bit by bit: the raw scores, through the sigmoid where the objective has one."""
        out = self.raw(rows, parts, threads)
        if self.trees.steepness is not None:
            _library().forest_sigmoid(rows, self.trees.steepness, _at(out))
        return out

    def contributions(self, matrix: Floats) -> Floats:
        """SHAP values of R rows (R x features) in the raw score, R x features, as `pred_contrib` gives them but for
        rounding: those of the trees' own distribution of training rows.

        Lundberg, S. et al. (2018), Consistent individualized feature attribution for tree ensembles.
        """
        matrix = np.ascontiguousarray(matrix, np.float64)
        out = np.zeros(matrix.shape)
        rows, features = matrix.shape
        if _library().forest_explain(byref(self._c), byref(self._c_splits), features, rows, _at(matrix), _at(out)):
            raise MemoryError("no memory to explain in")
        return out

    def probes(self, rows: int) -> Floats:
        """Rows to try a forest on: thresholds and their neighbours, zeros, infinities and missing values."""
        masks, rng = self.masks, np.random.default_rng(0)
        odd = (0.0, -0.0, 1e-36, np.nan, np.inf, -np.inf)
        columns = []
        for start, end in pairwise(masks.step_start.tolist()):
            at = masks.steps["threshold"][start:end]
            columns.append(rng.choice([*odd, *at, *at, *np.nextafter(at, np.inf)], rows))
        return np.column_stack(columns)

    @cached_property
    def _zero_absent(self) -> NDArray[np.uint8]:
        return self.trees.zero_absent.astype(np.uint8)

    @cached_property
    def _c(self) -> _Forest:
        masks = self.masks
        return _Forest(
            len(masks.leaf_start),
            self.words,
            *(_at(part) for part in (masks.steps, masks.step_start, masks.absent, masks.absent_start)),
            *(_at(part) for part in (self._zero_absent, masks.word_start, masks.leaf_start, masks.leaves)),
        )

    @cached_property
    def _c_splits(self) -> _Splits:
        splits = self.splits
        largest = int(np.diff(splits.node_start).max(initial=0))
        return _Splits(len(splits.groups), largest, *(_at(getattr(splits, field.name)) for field in fields(splits)))

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made of the trees: addresses mean nothing in another process."""
        return {"trees": self.trees}


def _is_shared(block: Block, rows: int) -> bool:
    return block.index is not None and 1 < len(block.values) <= rows // 2


def _plain(block: Block, spread: bool = False) -> Block:
    """The block as C reads it: floats, each row in one piece; `spread` over the pairs, or with its index."""
    values, index = block.values, block.index
    if spread and index is not None:
        # A single row stays one, see `_c_block`.
        values, index = values if len(values) == 1 else values[index], None
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    if values.size > len(values) and values.strides[1] != values.itemsize:
        values = np.ascontiguousarray(values)
    return Block(values, _longs(block.features), None if index is None else _longs(index))


def _readable(shared: Shared) -> Shared:
    """What is shared as C reads it: an index may be every other number of another array, as `np.nonzero` gives it."""
    return Shared(shared.words, None if shared.index is None else _longs(shared.index))


def _longs(values: Ints) -> Ints:
    return np.ascontiguousarray(values, np.int64)


def _library() -> ctypes.CDLL:
    found = evaluator()
    if found is None:
        raise OSError("the evaluator could not be compiled")
    return found


def _c_block(block: Block) -> _Block:
    values = block.values
    stride = values.strides[0] if len(values) > 1 else 0
    return _Block(_at(values), stride, values.itemsize == 4, len(block.features), _at(block.features))


def _at(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data
