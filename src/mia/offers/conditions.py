"""Conditions over profile and subscriber columns: what each operator means, and a whole catalogue of them at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.domain.offer import Condition, Offer, Op
from mia.frames import Floats, Ints, Profiles

Mask = NDArray[np.bool_]


def _missing(values: NDArray[Any]) -> Mask:
    if values.dtype == object:
        # A value that is not equal to itself is NaN.
        return np.asarray((values == np.asarray(None)) | (values != values), np.bool_)
    return np.asarray(np.isnan(values))


def _ordered(compare: Callable[[NDArray[Any], Any], NDArray[Any]]) -> Callable[[NDArray[Any], Any], Mask]:
    def holds(values: NDArray[Any], bound: Any) -> Mask:  # noqa: ANN401 - a bound is any comparable value
        try:
            if values.dtype != object:  # no comparison holds for NaN
                return np.asarray(compare(values, bound), bool)
            known = ~_missing(values)
            out = np.zeros(len(values), bool)
            out[known] = compare(values[known], bound)
        except TypeError:  # text against a number: the condition does not hold
            return np.zeros(len(values), bool)
        return out

    return holds


def _one_of(values: NDArray[Any], bound: Iterable[Any]) -> Mask:
    allowed = set(bound)
    return np.fromiter((value is not None and value in allowed for value in values), bool, len(values))


OPERATORS: dict[Op, Callable[[NDArray[Any], Any], Mask]] = {
    Op.EQ: _ordered(lambda values, bound: values == bound),
    Op.NE: lambda values, bound: ~_ordered(lambda known, other: known == other)(values, bound),
    Op.GT: _ordered(lambda values, bound: values > bound),
    Op.GE: _ordered(lambda values, bound: values >= bound),
    Op.LT: _ordered(lambda values, bound: values < bound),
    Op.LE: _ordered(lambda values, bound: values <= bound),
    Op.IN: _one_of,
    Op.NOT_IN: lambda values, bound: ~_one_of(values, bound),
    Op.BETWEEN: _ordered(lambda values, bound: (values >= bound[0]) & (values <= bound[1])),
    Op.IS_NULL: lambda values, bound: _missing(values) == bool(bound),
}

NUMERIC: dict[Op, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    Op.EQ: lambda values, bounds: values == bounds[0],
    Op.NE: lambda values, bounds: values != bounds[0],
    Op.GT: lambda values, bounds: values > bounds[0],
    Op.GE: lambda values, bounds: values >= bounds[0],
    Op.LT: lambda values, bounds: values < bounds[0],
    Op.LE: lambda values, bounds: values <= bounds[0],
    Op.BETWEEN: lambda values, bounds: (values >= bounds[0]) & (values <= bounds[-1]),
}
"""The same for a column of numbers (n x 1) against k bounds (1 or 2 x k); a missing number is NaN."""


def holds(condition: Condition, profiles: Profiles) -> Mask:
    """Whether one condition holds, for each of n subscribers; a column nobody has counts as missing."""
    values = profiles.column(condition.column)
    if values is None:
        values = np.full(len(profiles), None, object)
    return OPERATORS[condition.op](values, condition.value)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Conditions of one column and operator with numeric bounds: `bounds` is 1 or 2 x k, one of each of k offers."""

    conditions: tuple[Condition, ...]
    places: Ints
    bounds: Floats

    def fails(self, profiles: Profiles) -> Mask:
        """n x k: the condition does not hold."""
        first = self.conditions[0]
        numbers = _numbers(profiles.column(first.column))
        if numbers is None:
            return ~np.column_stack([holds(condition, profiles) for condition in self.conditions])
        return np.asarray(~NUMERIC[first.op](numbers[:, None], self.bounds[:, None, :]))


@dataclass(frozen=True, slots=True)
class ConditionTable:
    """All conditions of m offers: bounds side by side by column and operator, the others once each."""

    offers: int
    bounds: tuple[_Bounds, ...]
    others: tuple[tuple[Condition, Ints], ...]

    @classmethod
    def build(cls, offers: Sequence[Offer]) -> "ConditionTable":
        """The `eligible_if` of the offers."""
        by_kind: dict[tuple[str, Op, int], list[tuple[int, Condition]]] = {}
        others: dict[str, tuple[Condition, list[int]]] = {}
        for place, offer in enumerate(offers):
            met: dict[tuple[str, Op], int] = {}
            for condition in offer.eligible_if:
                if condition.op in NUMERIC and _is_numeric(condition.value):
                    key = (condition.column, condition.op)
                    # An offer that bounds a column twice has the second bound in another block.
                    met[key] = met.get(key, -1) + 1
                    by_kind.setdefault((*key, met[key]), []).append((place, condition))
                else:
                    others.setdefault(repr(condition), (condition, []))[1].append(place)
        return cls(
            len(offers),
            tuple(
                _Bounds(
                    tuple(condition for _, condition in found),
                    np.asarray([place for place, _ in found], np.int64),
                    np.asarray([np.atleast_1d(condition.value) for _, condition in found], float).T,
                )
                for found in by_kind.values()
            ),
            tuple((condition, np.asarray(places, np.int64)) for condition, places in others.values()),
        )

    def failing(self, profiles: Profiles | None, rows: int) -> Mask:
        """n x m: some condition of the offer does not hold. Without profiles none does."""
        out = np.zeros((rows, self.offers), bool)
        for block in self.bounds:
            out[:, block.places] |= True if profiles is None else block.fails(profiles)
        for condition, places in self.others:
            out[:, places] |= True if profiles is None else ~holds(condition, profiles)[:, None]
        return out


def _is_numeric(value: Any) -> bool:  # noqa: ANN401 - a bound is of any type
    values = value if isinstance(value, tuple | list) else (value,)
    return all(isinstance(part, int | float) for part in values)


def _numbers(values: NDArray[Any] | None) -> Floats | None:
    """A column as numbers with NaN for what is missing; None where it holds anything else."""
    if values is None:
        return None
    if values.dtype != object:
        return values
    if not all(value is None or isinstance(value, float) for value in values.tolist()):
        return None
    return np.asarray(values, float)
