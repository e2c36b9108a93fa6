"""Conditions over profile and subscriber columns: what each operator means, and a whole catalogue of them at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
        is_text = isinstance(bound[0] if isinstance(bound, tuple | list) else bound, str)
        if values.dtype != object:  # no comparison holds for NaN
            return np.zeros(len(values), bool) if is_text else np.asarray(compare(values, bound), bool)
        # Text against a number: the condition does not hold, whoever else is looked at beside.
        alike = np.fromiter((isinstance(value, str) == is_text for value in values), bool, len(values))
        out: Mask = ~_missing(values) & alike
        out[out] = compare(values[out], bound)
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

NUMERIC: dict[Op, Callable[[Floats, Floats], NDArray[Any]]] = {
    Op.EQ: lambda values, bounds: values == bounds[0],
    Op.NE: lambda values, bounds: values != bounds[0],
    Op.GT: lambda values, bounds: values > bounds[0],
    Op.GE: lambda values, bounds: values >= bounds[0],
    Op.LT: lambda values, bounds: values < bounds[0],
    Op.LE: lambda values, bounds: values <= bounds[0],
    Op.BETWEEN: lambda values, bounds: (values >= bounds[0]) & (values <= bounds[1]),
}
"""The same for numbers (n x k) against k bounds (2 x k, the second of them for ranges); a missing number is NaN."""


def holds(condition: Condition, profiles: Profiles) -> Mask:
    """Whether one condition holds, for each of n subscribers; a column nobody has counts as missing."""
    values = profiles.column(condition.column)
    if values is None:
        values = np.full(len(profiles), None, object)
    return OPERATORS[condition.op](values, condition.value)


@dataclass(frozen=True)
class ConditionTable:
    """All conditions of m offers. The k with numeric bounds lie side by side, by offer: `columns` names what they look
    at, `column` (k) is the place of each in it, `bounds` (2 x k) what it holds against, `of_op` which have which
    operator, and those of `places` begin at `starts`. The others are evaluated once each.
    """

    offers: int
    columns: tuple[str, ...]
    column: Ints
    bounds: Floats
    of_op: tuple[tuple[Op, Ints], ...]
    places: Ints
    starts: Ints
    others: tuple[tuple[Condition, Ints], ...]
    _found: dict[tuple[str, ...], Ints] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(cls, offers: Sequence[Offer]) -> "ConditionTable":
        """The `eligible_if` of the offers."""
        told = [(place, condition) for place, offer in enumerate(offers) for condition in offer.eligible_if]
        numeric: list[tuple[int, Condition]] = []
        others: dict[str, tuple[Condition, list[int]]] = {}
        for place, condition in told:
            if condition.op in NUMERIC and _is_numeric(condition.value):
                numeric.append((place, condition))
            else:
                others.setdefault(repr(condition), (condition, []))[1].append(place)
        columns = {name: place for place, name in enumerate(dict.fromkeys(one.column for _, one in numeric))}
        ops = dict.fromkeys(one.op for _, one in numeric)
        places, starts = np.unique(np.asarray([place for place, _ in numeric], np.int64), return_index=True)
        return cls(
            len(offers),
            tuple(columns),
            np.asarray([columns[one.column] for _, one in numeric], np.int64),
            np.asarray([_both(one.value) for _, one in numeric], float).reshape(-1, 2).T,
            tuple((op, np.flatnonzero([one.op is op for _, one in numeric])) for op in ops),
            places,
            starts,
            tuple((condition, np.asarray(named, np.int64)) for condition, named in others.values()),
        )

    def failing(self, profiles: Profiles | None, rows: int) -> Mask:
        """n x m: some condition of the offer does not hold. Without profiles none does."""
        out = np.zeros((rows, self.offers), bool)
        if len(self.places):
            fails = self._failing_bounds(profiles, rows)
            out[:, self.places] = np.logical_or.reduceat(fails, self.starts, axis=1)
        for condition, places in self.others:
            out[:, places] |= True if profiles is None else ~holds(condition, profiles)[:, None]
        return out

    def _failing_bounds(self, profiles: Profiles | None, rows: int) -> Mask:
        """n x k: the condition does not hold."""
        fails = np.ones((rows, len(self.column)), bool)
        if profiles is None:
            return fails
        values = self._values(profiles)
        for op, which in self.of_op:
            fails[:, which] = ~NUMERIC[op](values[:, self.column[which]], self.bounds[:, which])
        return fails

    def _values(self, profiles: Profiles) -> Floats:
        """The columns as numbers; what is missing, or is a text, is NaN: no bound holds for it but that of `ne`."""
        found = self._found.get(profiles.names)
        if found is None:
            places = {name: place for place, name in enumerate(profiles.names)}
            found = self._found[profiles.names] = np.asarray([places.get(name, -1) for name in self.columns], np.int64)
        values = np.full((len(profiles), len(self.columns)), np.nan)
        values[:, found >= 0] = profiles.numeric[:, found[found >= 0]]
        for place, name in enumerate(self.columns):
            if name in profiles.attributes:
                given = profiles.attributes[name].tolist()
                values[:, place] = [value if isinstance(value, int | float) else np.nan for value in given]
        return values


def _both(value: Any) -> tuple[float, float]:  # noqa: ANN401 - one bound or two
    return (value[0], value[1]) if isinstance(value, tuple | list) else (value, value)


def _is_numeric(value: Any) -> bool:  # noqa: ANN401 - a bound is of any type
    values = value if isinstance(value, tuple | list) else (value,)
    return all(isinstance(part, int | float) for part in values)
