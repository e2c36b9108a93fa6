"""Lines of the affinity, fitted: sums of the log likelihood about a common line, strengths, and steps from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from mia.frames import Floats, Ints, Singles
from mia.ranking.calibration import expit, logit

FOLDS = 3
FIRST_STRENGTH, LEAST_STRENGTH, MOST_STRENGTH = 1_000.0, 20.0, 100_000.0
STRENGTH_STEPS = 6
INTERCEPT_STRENGTH = 3.0
COMMON_STRENGTH, COMMON_ROWS, COMMON_STEPS = 300.0, 200_000, 10
LEAST = 1e-6
LONGEST_STEP = 1.0
"""Root mean square change of the log odds in one Newton step: rare answers make longer ones overshoot."""
LEAST_CONNECTIONS, MOST_LINES = 10, 200
"""An offer with fewer connections has no line of its own, and no more offers than these, which bounds memory."""
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
        np.copyto(units, 0.0, where=np.isnan(units))
        return np.clip(units, -EDGE, EDGE, out=units)


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
class Design:
    """Rows of the design on demand: 1, the columns of the person, those of the pair, all in standard units."""

    people: Singles
    scale: Scale
    sides: Sides

    @classmethod
    def of(cls, people: Scale, pairs: Scale, sides: Sides) -> Self:
        """The design of some pairs; the people are brought to standard units at once, the pairs when asked for."""
        return cls(people.apply(sides.people), pairs, sides)

    def rows(self, which: Ints) -> Singles:
        """Rows x f."""
        sides = self.sides
        ones = np.ones((len(which), 1), np.float32)
        return np.concatenate([ones, self.people[sides.rows[which]], self.scale.apply(sides.pairs[which])], axis=1)


def log_odds(design: Design, which: Ints, lines: Singles) -> Singles:
    """Of the given rows, each by the line of its offer."""
    out = np.empty(len(which), np.float32)
    for part in chunks(len(which)):
        rows = which[part]
        # A matrix product rounds a row differently among other rows; a sum along the row does not.
        out[part] = (design.rows(rows) * lines[design.sides.cols[rows]]).sum(axis=1)
    return out


@dataclass(frozen=True, slots=True)
class Sums:
    """The log likelihood of deviations d from the common line, about d gradient - d curvature d / 2, by fold: gradient
    is folds x f, curvature folds x f x f.
    """

    gradient: Floats
    curvature: Floats

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.gradient + other.gradient, self.curvature + other.curvature)

    def over(self, without: int | None) -> tuple[Floats, Floats]:
        """Gradient (f) and curvature (f x f) over all folds but one."""
        kept = [fold for fold in range(FOLDS) if fold != without]
        return self.gradient[kept].sum(axis=0), self.curvature[kept].sum(axis=0)


def _step(gradient: Floats, curvature: Floats, prior: Floats, strengths: Floats) -> Floats:
    """The likeliest deviation, when it is expected to be `prior`; no further from there than a Newton step may go."""
    away = np.linalg.solve(curvature + np.diag(strengths), gradient - curvature @ prior)
    return prior + _held(np.asarray(away), curvature)


def _held(step: Floats, curvature: Floats) -> Floats:
    """The step, shortened where it changes the log odds by more than LONGEST_STEP; the first column is constant 1."""
    length = np.sqrt(max(float(step @ curvature @ step), 0.0) / max(float(curvature[0, 0]), LEAST))
    return np.asarray(step * min(1.0, LONGEST_STEP / max(float(length), LEAST)))


def lines_of(sums: Mapping[int, Sums], strengths: Floats, without: int | None) -> tuple[Floats, dict[int, Floats]]:
    """Steps from the common line of one category and of each of its offers, from all folds but one."""
    first, *others = sums.values()
    broad = _step(*sum(others, first).over(without), np.zeros(len(strengths)), strengths)
    if not others:
        return broad, dict.fromkeys(sums, broad)
    own = {col: broad if col == REST else _step(*each.over(without), broad, strengths) for col, each in sums.items()}
    return broad, own


def find_strengths(sums: list[Sums]) -> Floats:
    """One strength a column (f), by fixed-point steps towards the largest evidence.

    With the deviation d of each offer and its posterior variance v, strength = sum(1 - strength v) / sum(d^2).
    """
    f = sums[0].gradient.shape[1]
    strengths = np.full(f, FIRST_STRENGTH)
    whole = [each.over(None) for each in sums]
    for _ in range(STRENGTH_STEPS):
        strengths[0] = INTERCEPT_STRENGTH
        known, squares = np.zeros(f), np.zeros(f)
        for gradient, curvature in whole:
            # Half the work of a plain inverse, and this is where the time of a fit goes.
            factor, _ = dpotrf(curvature + np.diag(strengths), lower=1)
            known += 1.0 - strengths * np.diag(dpotri(factor, lower=1)[0])
            squares += dpotrs(factor, gradient, lower=1)[0] ** 2
        strengths = np.clip(known / np.maximum(squares, 1e-12), LEAST_STRENGTH, MOST_STRENGTH)
    strengths[0] = INTERCEPT_STRENGTH
    return strengths


def least_connections(labels: Floats, cols: Ints) -> float:
    """How many connections make an offer worth a line of its own."""
    counts = np.sort(np.bincount(cols, weights=labels))[::-1]
    return float(max([LEAST_CONNECTIONS, *counts[MOST_LINES : MOST_LINES + 1]]))


def told_apart(labels: Floats, rows: Mapping[int, Ints], least: float) -> dict[int, Ints]:
    """The rows of each offer with at least so many connections, and those of all others together."""
    apart = {col: each for col, each in rows.items() if labels[each].sum() >= least}
    rest = [each for col, each in rows.items() if col not in apart]
    return {**apart, REST: np.concatenate(rest)} if rest else apart


def sums_of(design: Design, labels: Floats, folds: Ints, rows: Ints, common: Floats, point: Floats) -> Sums:
    """The sums of some rows, expanded about the deviation `point`."""
    f, line = len(common), (common + point).astype(np.float32)
    gradient, curvature = np.zeros((FOLDS, f)), np.zeros((FOLDS, f, f))
    for fold in range(FOLDS):
        mine = rows[folds[rows] == fold]
        for part in chunks(len(mine)):
            units, taken = design.rows(mine[part]), labels[mine[part]]
            chance = expit((units @ line).astype(float))
            gradient[fold] += units.T @ (taken - chance).astype(np.float32)
            curvature[fold] += units.T @ (units * (chance * (1 - chance)).astype(np.float32)[:, None])
    return Sums(gradient + curvature @ point, curvature)


def common_line(design: Design, labels: Floats) -> Floats:
    """The line of all offers alike, by Newton's method on at most COMMON_ROWS rows; one strength for all columns, again
    the one with the largest evidence.
    """
    rows = np.arange(0, len(labels), -(-len(labels) // COMMON_ROWS))
    units, taken = design.rows(rows), labels[rows]
    f, strength = units.shape[1], COMMON_STRENGTH
    line = np.zeros(f)
    line[0] = logit(np.asarray([(taken.sum() + 1) / (len(taken) + 2)]))[0]
    for _ in range(COMMON_STEPS):
        strengths = np.concatenate([[0.0], np.full(f - 1, strength)])
        chance = expit((units @ line.astype(np.float32)).astype(float))
        weighted = units * (chance * (1 - chance)).astype(np.float32)[:, None]
        curvature = (units.T @ weighted).astype(float)
        variance = np.linalg.inv(curvature + np.diag(strengths) + LEAST * np.eye(f))
        line = line + _held(variance @ (units.T @ (taken - chance).astype(np.float32) - strengths * line), curvature)
        known = f - 1 - strength * np.diag(variance)[1:].sum()
        strength = float(np.clip(known / max((line[1:] ** 2).sum(), LEAST), LEAST_STRENGTH, MOST_STRENGTH))
    return line


def chunks(rows: int) -> Iterator[slice]:
    """Lots of rows that fit into memory as a design."""
    return (slice(start, start + CHUNK) for start in range(0, rows, CHUNK))
