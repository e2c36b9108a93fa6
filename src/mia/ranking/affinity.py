"""Affinity: how much each offer appeals to a subscriber, as a line through needs for each offer.

Trees need many examples to find out that night owls take the night package and travellers roaming: they must cut by
the offer before they cut by the need. A logistic line for each offer says it with few examples, if it is held: the
weights of an offer are pulled towards those of its category, and these towards the weights common to all,

    log odds = x . (w_common + w_category + w_offer),  w ~ Normal(0, 1 / strength),

one Newton step from the common line. The strength is the one that scores best out of fold: a row is scored in training
by lines that were fitted without its subscriber, so that the trees, which read the log odds as one more column, trust
it no more than it deserves.

Gelman, A. and Hill, J. (2007), Data analysis using regression and multilevel models, ch. 12; the scores out of fold
are those of Wolpert, D. (1992), Stacked generalization. Columns x are signed logarithms, standardised; what is missing
counts as the mean.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints, Singles
from mia.ranking.calibration import expit, logit
from mia.ranking.offer_table import OfferTable

FOLDS = 3
STRENGTHS = (100.0, 300.0, 1_000.0, 3_000.0)
COMMON_STRENGTH = 30.0
INTERCEPT_STRENGTH = 3.0
COMMON_ROWS, COMMON_STEPS = 200_000, 4
LEAST_CONNECTIONS = 10
"""An offer with fewer has no line of its own."""
REST = -1
EDGE = 4.0
CHUNK = 50_000


@dataclass(frozen=True, slots=True)
class Scale:
    """Signed logarithm and standard units of c columns; a column that never varies counts for nothing."""

    means: Singles
    rates: Singles

    @classmethod
    def fit(cls, values: NDArray[Any]) -> Self:
        """From n x c values, NaN where missing; a row in 20 of many will do."""
        sample = squeeze(values[:: max(1, len(values) // CHUNK)])
        known = np.isfinite(sample)
        count = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, sample, 0.0)
        means = filled.sum(axis=0) / count
        spread = np.sqrt(np.where(known, (sample - means) ** 2, 0.0).sum(axis=0) / count)
        return cls(means.astype(np.float32), np.where(spread > 1e-4, 1.0 / np.maximum(spread, 1e-4), 0.0).astype("f4"))

    def apply(self, values: NDArray[Any]) -> Singles:
        """n x c in standard units, within 4 of the mean."""
        units = (squeeze(values) - self.means) * self.rates
        return np.clip(np.nan_to_num(units, copy=False, nan=0.0), -EDGE, EDGE, out=units)


def squeeze(values: NDArray[Any]) -> Singles:
    """sign(x) log(1 + |x|) in single precision: amounts over orders of magnitude become comparable.

    >>> squeeze(np.asarray([-1.0, 0.0, 1.0])).round(3).tolist()
    [-0.6930000185966492, 0.0, 0.6930000185966492]
    """
    single = np.asarray(values, np.float32)
    return np.asarray(np.copysign(np.log1p(np.abs(single)), single), np.float32)


@dataclass(frozen=True, slots=True)
class Sides:
    """R pairs as the lines see them: columns of the person (n x a) and of the pair (R x s), and where each points."""

    people: NDArray[Any]
    rows: Ints
    pairs: NDArray[Any]
    cols: Ints

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Affinity:
    """The common line (f), those of categories (c x f) and of offers (g x f), over f = 1 + a + s columns.

    An offer without a line of its own has its category's, a category without one the common.
    """

    people: Scale
    pairs: Scale
    common: Floats
    by_category: Mapping[str, Floats]
    by_offer: Mapping[str, Floats]
    strength: float
    _kept: list[tuple[OfferTable, Singles]] = field(default_factory=list, compare=False, repr=False)

    def lines(self, table: OfferTable) -> Singles:
        """The line of each offer of a table, m x f. One catalogue is scored again and again, so they are kept."""
        if not self._kept or self._kept[0][0] is not table:
            keys = zip(table.places, table.categorical["offer_category"], strict=True)
            found = [self.by_offer.get(offer, self.by_category.get(category, self.common)) for offer, category in keys]
            self._kept[:] = [(table, np.asarray(found, np.float32))]
        return self._kept[0][1]

    def score(self, sides: Sides, table: OfferTable) -> Singles:
        """Log odds of R pairs (R), by the lines of the offers of a table."""
        return _log_odds(_Design.of(self.people, self.pairs, sides), np.arange(len(sides)), self.lines(table))

    @classmethod
    def fit(cls, sides: Sides, labels: Floats, table: OfferTable, folds: Ints) -> tuple[Self, Singles]:
        """The lines, and the log odds of every row by lines that did not see its fold (0 to FOLDS - 1)."""
        people, pairs = Scale.fit(sides.people), Scale.fit(sides.pairs)
        design = _Design.of(people, pairs, sides)
        common = _common_line(design, labels)
        unseen = np.empty((len(labels), len(STRENGTHS)), np.float32)
        category = table.categorical["offer_category"]
        order = np.argsort(sides.cols, kind="stable")
        starts = np.searchsorted(sides.cols[order], np.arange(len(table) + 1))
        sums: dict[str, dict[int, _Sums]] = {}
        for name in dict.fromkeys(category[np.unique(sides.cols)]):
            rows = _told_apart(
                labels, {col: order[starts[col] : starts[col + 1]] for col in np.flatnonzero(category == name).tolist()}
            )
            sums[name] = {col: _sums(design, labels, folds, each, common) for col, each in rows.items()}
            for fold in range(FOLDS):
                lines = [_lines(sums[name], strength, fold)[1] for strength in STRENGTHS]
                for col, each in rows.items():
                    mine = each[folds[each] == fold]
                    held = common + np.asarray([line[col] for line in lines])
                    for part in _chunks(len(mine)):
                        unseen[mine[part]] = design.rows(mine[part]) @ held.astype(np.float32).T
        losses = [float(np.logaddexp(0.0, np.where(labels > 0, -odds, odds)).mean()) for odds in unseen.T]
        best = int(np.argmin(losses))
        by_category: dict[str, Floats] = {}
        by_offer: dict[str, Floats] = {}
        ids = list(table.places)
        for name, of_offers in sums.items():
            broad, lines_of = _lines(of_offers, STRENGTHS[best], None)
            by_category[str(name)] = common + broad
            by_offer |= {ids[col]: common + line for col, line in lines_of.items() if col != REST}
        return cls(people, pairs, common, by_category, by_offer, STRENGTHS[best]), unseen[:, best].copy()

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form; orjson writes its arrays."""
        return {
            "people": {"means": self.people.means, "rates": self.people.rates},
            "pairs": {"means": self.pairs.means, "rates": self.pairs.rates},
            "common": self.common,
            "by_category": dict(self.by_category),
            "by_offer": dict(self.by_offer),
            "strength": self.strength,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        people, pairs = (
            Scale(*(np.asarray(data[side][name], np.float32) for name in ("means", "rates")))
            for side in ("people", "pairs")
        )
        by_category, by_offer = (
            {name: np.asarray(line, float) for name, line in data[level].items()}
            for level in ("by_category", "by_offer")
        )
        return cls(people, pairs, np.asarray(data["common"], float), by_category, by_offer, data["strength"])


@dataclass(frozen=True, slots=True)
class _Design:
    """Rows of the design on demand: 1, the columns of the person, those of the pair, all in standard units."""

    people: Singles
    scale: Scale
    sides: Sides

    @classmethod
    def of(cls, people: Scale, pairs: Scale, sides: Sides) -> Self:
        return cls(people.apply(sides.people), pairs, sides)

    def rows(self, which: Ints) -> Singles:
        sides = self.sides
        ones = np.ones((len(which), 1), np.float32)
        return np.concatenate([ones, self.people[sides.rows[which]], self.scale.apply(sides.pairs[which])], axis=1)


def _log_odds(design: _Design, which: Ints, lines: Singles) -> Singles:
    """Of the given rows, each by the line of its offer."""
    out = np.empty(len(which), np.float32)
    for part in _chunks(len(which)):
        rows = which[part]
        # A matrix product rounds a row differently among other rows; a sum along the row does not.
        out[part] = (design.rows(rows) * lines[design.sides.cols[rows]]).sum(axis=1)
    return out


@dataclass(frozen=True, slots=True)
class _Sums:
    """Gradient (folds x f) and curvature (folds x f x f) of the log likelihood at the common line."""

    gradient: Floats
    curvature: Floats

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(self.gradient + other.gradient, self.curvature + other.curvature)

    def step(self, prior: Floats | float, strength: float, without: int | None) -> Floats:
        """The Newton step from the common line, when it is expected to be `prior`, from all folds but one."""
        kept = [fold for fold in range(FOLDS) if fold != without]
        gradient, curvature = self.gradient[kept].sum(axis=0), self.curvature[kept].sum(axis=0)
        start = np.broadcast_to(np.asarray(prior, float), gradient.shape)
        held = curvature + np.diag(_strengths(len(gradient), strength))
        return np.asarray(start + np.linalg.solve(held, gradient - curvature @ start))


def _lines(sums: Mapping[int, _Sums], strength: float, without: int | None) -> tuple[Floats, dict[int, Floats]]:
    """Steps from the common line of one category and of each of its offers, from all folds but one."""
    first, *others = sums.values()
    broad = sum(others, first).step(0.0, strength, without)
    return broad, {col: broad if col == REST else each.step(broad, strength, without) for col, each in sums.items()}


def _told_apart(labels: Floats, rows: Mapping[int, Ints]) -> dict[int, Ints]:
    """The rows of each offer that can have a line of its own, and those of all others together."""
    apart = {col: each for col, each in rows.items() if labels[each].sum() >= LEAST_CONNECTIONS}
    rest = [each for col, each in rows.items() if col not in apart]
    return {**apart, REST: np.concatenate(rest)} if rest else apart


def _sums(design: _Design, labels: Floats, folds: Ints, rows: Ints, common: Floats) -> _Sums:
    f = len(common)
    gradient, curvature = np.zeros((FOLDS, f)), np.zeros((FOLDS, f, f))
    for fold in range(FOLDS):
        mine = rows[folds[rows] == fold]
        for part in _chunks(len(mine)):
            units, taken = design.rows(mine[part]), labels[mine[part]]
            chance = expit((units @ common.astype(np.float32)).astype(float))
            gradient[fold] += units.T @ (taken - chance).astype(np.float32)
            curvature[fold] += units.T @ (units * (chance * (1 - chance)).astype(np.float32)[:, None])
    return _Sums(gradient, curvature)


def _common_line(design: _Design, labels: Floats) -> Floats:
    """The line of all offers alike, by Newton's method on at most COMMON_ROWS rows."""
    rows = np.arange(0, len(labels), max(1, len(labels) // COMMON_ROWS))
    units, taken = design.rows(rows), labels[rows]
    strengths = _strengths(units.shape[1], COMMON_STRENGTH)
    line = np.zeros(units.shape[1])
    line[0] = logit(np.asarray([(taken.sum() + 1) / (len(taken) + 2)]))[0]
    start = line.copy()
    for _ in range(COMMON_STEPS):
        chance = expit((units @ line.astype(np.float32)).astype(float))
        gradient = units.T @ (taken - chance).astype(np.float32) - strengths * (line - start)
        weighted = units * (chance * (1 - chance)).astype(np.float32)[:, None]
        line = line + np.linalg.solve((units.T @ weighted).astype(float) + np.diag(strengths), gradient)
    return line


def _strengths(columns: int, strength: float) -> Floats:
    return np.concatenate([[INTERCEPT_STRENGTH], np.full(columns - 1, strength)])


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, rows, CHUNK))
