"""The offers of a catalogue as arrays: what they cost, what they give, and which usage keys they speak to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
from scipy import sparse

from mia.domain.offer import Offer
from mia.frames import Floats, Ints, Objects, SparseBlock

GIVES = ("data_mb", "voice_minutes", "sms_count")
DENSE_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class KeyMatrix:
    """Which of k keys each of m offers speaks to: a 0/1 matrix, m x k."""

    places: dict[str, int]
    matrix: sparse.csr_matrix

    @classmethod
    def build(cls, keys: Sequence[Sequence[str]]) -> Self:
        """From the key names of each offer."""
        places = {key: place for place, key in enumerate(dict.fromkeys(key for row in keys for key in row))}
        indptr = np.cumsum([0, *(len(set(row)) for row in keys)])
        indices = np.asarray([places[key] for row in keys for key in dict.fromkeys(row)], np.int64)
        shape = (len(keys), len(places))
        return cls(places, sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=shape))

    def beside(self, other: "KeyMatrix") -> "KeyMatrix":
        """The offers of both, those of the other one behind, over the keys of both."""
        places = {key: place for place, key in enumerate(dict.fromkeys([*self.places, *other.places]))}
        # The keys of an offer keep their order, and with it every sum over them its bits.
        moved = [np.asarray([places[key] for key in one.places], np.int64)[one.matrix.indices] for one in (self, other)]
        ends = other.matrix.indptr[1:] + self.matrix.indptr[-1]
        data = np.ones(len(moved[0]) + len(moved[1]))
        shape = (self.matrix.shape[0] + other.matrix.shape[0], len(places))
        layout = (data, np.concatenate(moved), np.concatenate([self.matrix.indptr, ends]))
        return KeyMatrix(places, sparse.csr_matrix(layout, shape=shape))

    @property
    def sizes(self) -> Floats:
        """Number of keys of each offer (m)."""
        return np.asarray(np.diff(self.matrix.indptr), float)

    def match(self, block: SparseBlock, rows: Ints, cols: Ints) -> tuple[Floats, Floats]:
        """For each pair (block row, offer): the sums of the block's measures over the offer's keys, and how many of
        those keys the row has at all. Shapes: pairs x measures, and pairs.
        """
        measures = len(block.measures) + 1
        found = np.asarray([self.places.get(key, -1) for key in block.vocabulary], np.int64)
        column = found[block.codes]
        if len(block.indptr) == 2:
            return self._match_one(block, column, cols)
        owner = np.repeat(np.arange(len(block.indptr) - 1), np.diff(block.indptr))
        known = column >= 0
        column, owner = column[known], owner[known]
        values = np.column_stack([block.values[known], np.ones(len(column))])
        out = np.zeros((len(rows), measures))
        if not len(column) or not len(rows):
            return out[:, :-1], out[:, -1]
        order = np.argsort(rows, kind="stable")
        sorted_rows = rows[order]
        step = max(1, DENSE_CELLS // (len(self.places) * measures))
        for start in range(int(sorted_rows[0]), int(sorted_rows[-1]) + 1, step):
            pairs = order[slice(*np.searchsorted(sorted_rows, [start, start + step]))]
            if not len(pairs):
                continue
            width = min(step, int(sorted_rows[-1]) + 1 - start)
            inside = slice(*np.searchsorted(owner, [start, start + width]))
            dense = np.zeros((len(self.places), width, measures))
            dense[column[inside], owner[inside] - start] = values[inside]
            sums = (self.matrix @ dense.reshape(len(self.places), -1)).reshape(-1, width, measures)
            out[pairs] = sums[cols[pairs], rows[pairs] - start]
        return out[:, :-1], out[:, -1]

    def _match_one(self, block: SparseBlock, column: Ints, cols: Ints) -> tuple[Floats, Floats]:
        """The same for the offers of a single row, whose entries stand for the keys of `column`."""
        known = np.flatnonzero(column >= 0)
        if not len(known):
            return np.zeros((len(cols), len(block.measures))), np.zeros(len(cols))
        dense = np.zeros((len(self.places), len(block.measures) + 1))
        dense[column[known], :-1] = block.values[known]
        dense[column[known], -1] = 1.0
        sums = np.asarray(self.matrix @ dense)[cols]
        return sums[:, :-1], sums[:, -1]


@dataclass(frozen=True, slots=True, eq=False)
class OfferTable:
    """m offers: `numeric` is m x q in the order of `names`, `categorical` holds m values a name; `value` and
    `priority` (m) are what arbitration weighs with. Tags that read `axis:name` lie on axes of their own besides;
    `sides` are items, tags and axes one behind the other, and `answered` the offers and their categories, so that both
    are matched at once; `spoken` says of each tag or category which offers bear it (m, 1 or 0).
    """

    offers: tuple[Offer, ...]
    places: dict[str, int]
    names: tuple[str, ...]
    numeric: Floats
    categorical: dict[str, Objects]
    items: KeyMatrix
    tags: KeyMatrix
    axes: dict[str, KeyMatrix]
    sides: KeyMatrix
    answered: KeyMatrix
    value: Floats
    priority: Floats
    spoken: dict[str, Floats]

    @classmethod
    def build(cls, offers: Sequence[Offer]) -> Self:
        """From domain offers; attributes become numeric columns when every value given is a number."""
        tags = KeyMatrix.build([[f"category:{tag}" for tag in (*offer.tags, offer.category)] for offer in offers])
        bears = tags.matrix.toarray()
        numeric: dict[str, list[float]] = {
            "offer_price": [offer.price for offer in offers],
            "offer_value": [offer.value for offer in offers],
            "offer_discount": [offer.discount for offer in offers],
            **{f"offer_{name}": [offer.gives.get(name, 0.0) for offer in offers] for name in GIVES},
            "offer_items": [float(len(offer.items)) for offer in offers],
            "offer_tags": [float(len(offer.tags)) for offer in offers],
        }
        categorical: dict[str, Objects] = {
            "offer_category": _objects([offer.category for offer in offers]),
            "offer_kind": _objects([offer.kind for offer in offers]),
        }
        for name in sorted({name for offer in offers for name in offer.attributes}):
            given = [offer.attributes.get(name) for offer in offers]
            if all(value is None or isinstance(value, int | float) for value in given):
                numeric[f"offer_{name}"] = [np.nan if value is None else float(value) for value in given]
            else:
                categorical[f"offer_{name}"] = _objects([None if value is None else str(value) for value in given])
        items = KeyMatrix.build([[f"item:{item}" for item in offer.items] for offer in offers])
        axes = {
            axis: _on_axis(offers, axis)
            for axis in sorted({_axis(tag) for offer in offers for tag in offer.tags} - {""})
        }
        own = KeyMatrix.build([[f"offer:{offer.id}"] for offer in offers])
        return cls(
            tuple(offers),
            {offer.id: place for place, offer in enumerate(offers)},
            tuple(numeric),
            np.asarray(list(numeric.values()), float).T.reshape(len(offers), len(numeric)),
            categorical,
            items,
            tags,
            axes,
            reduce(KeyMatrix.beside, [tags, *axes.values()], items),
            own.beside(KeyMatrix.build([[f"offer_category:{offer.category}"] for offer in offers])),
            np.asarray([offer.value for offer in offers], float),
            np.asarray([offer.priority for offer in offers], float),
            {key.partition(":")[2]: np.ascontiguousarray(bears[:, place]) for key, place in tags.places.items()},
        )

    def __len__(self) -> int:
        return len(self.offers)

    def column(self, name: str) -> Floats:
        """One numeric column (m)."""
        return self.numeric[:, self.names.index(name)]


def _axis(tag: str) -> str:
    axis, colon, _ = tag.partition(":")
    return axis if colon else ""


def _on_axis(offers: Sequence[Offer], axis: str) -> KeyMatrix:
    return KeyMatrix.build([[f"category:{tag}" for tag in offer.tags if _axis(tag) == axis] for offer in offers])


def _objects(values: Sequence[object]) -> Objects:
    out = np.empty(len(values), object)
    out[:] = values
    return out
