"""The effect on one measure: difference and relative lift, with intervals for one look and for every look."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from mia.frames import Floats
from mia.uptake.lift import looks
from mia.uptake.lift.difference import Difference, estimate_difference
from mia.uptake.lift.moments import Moments
from mia.uptake.lift.ratio import relative_interval, relative_lift


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends, None where there is no bound to tell."""

    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)

    def scaled(self, factor: float, add: float = 0.0) -> "Interval":
        """`add + factor * end` for both ends, `factor` >= 0."""
        low, high = (None if end is None else add + factor * end for end in (self.low, self.high))
        return Interval(low, high)


NOWHERE = Interval(None, None)


@dataclass(frozen=True, slots=True)
class Effect:
    """Per subscriber. `control` and `mia` are adjusted means; `relative` is `mia / control - 1`.

    `interval` and `relative_interval` hold for one look that was fixed before; `anytime_interval`,
    `anytime_relative_interval` and `anytime_p_value` at every look together. `variance_removed` is the share of the
    variance that what was known before the experiment took away.
    """

    control: float
    mia: float
    difference: float
    relative: float | None
    standard_error: float | None
    interval: Interval
    anytime_interval: Interval
    relative_interval: Interval
    anytime_relative_interval: Interval
    anytime_p_value: float | None
    variance_removed: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; intervals as `{low, high}`."""
        return {
            field.name: {"low": value.low, "high": value.high} if isinstance(value, Interval) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }


@dataclass(frozen=True, slots=True)
class Effects:
    """The effect on one measure in g groups, in columns: ends of intervals are (g,), NaN where there is none."""

    found: Difference
    error: Floats
    relative: Floats
    interval: tuple[Floats, Floats]
    anytime_interval: tuple[Floats, Floats]
    relative_interval: tuple[Floats, Floats]
    anytime_relative_interval: tuple[Floats, Floats]
    anytime_p_value: Floats

    @classmethod
    def estimate(cls, moments: Moments, planned: Floats, alpha: float, thin: Floats | None = None) -> Self:
        """Effects of (..., 2) moments; `planned` is v* of `mia.uptake.lift.looks`; no intervals where `thin` holds."""
        found = estimate_difference(moments)
        usable = np.isfinite(found.variance) & (found.variance > 0)
        if thin is not None:
            usable &= ~np.asarray(thin, bool)
        variance = np.where(usable, found.variance, np.inf)
        once = np.where(usable, float(ndtri(1 - alpha / 2)), np.inf)
        ever = np.where(usable, looks.standard_errors(found.variance, planned, alpha), np.inf)
        return cls(
            found,
            np.where(np.isfinite(variance), np.sqrt(variance), np.nan),
            np.where(usable, relative_lift(found), np.nan),
            _ends(found, variance, once),
            _ends(found, variance, ever),
            relative_interval(found, once),
            relative_interval(found, ever),
            np.where(usable, looks.p_value(found.difference, found.variance, planned, alpha), np.nan),
        )

    def of_group(self, place: int) -> Effect:
        """The effect in one group."""

        def interval(ends: tuple[Floats, Floats]) -> Interval:
            return Interval(number(ends[0][place]), number(ends[1][place]))

        return Effect(
            float(self.found.control[place]),
            float(self.found.mia[place]),
            float(self.found.difference[place]),
            number(self.relative[place]),
            number(self.error[place]),
            interval(self.interval),
            interval(self.anytime_interval),
            interval(self.relative_interval),
            interval(self.anytime_relative_interval),
            number(self.anytime_p_value[place]),
            float(self.found.removed[place]),
        )


def number(value: Any) -> float | None:  # noqa: ANN401 - a number of any kind
    """A finite float, or None."""
    return float(value) if np.isfinite(value) else None


def _ends(found: Difference, variance: Floats, errors: Floats) -> tuple[Floats, Floats]:
    held = np.isfinite(errors) & np.isfinite(variance)
    half = np.where(held, errors, 0.0) * np.sqrt(np.where(held, variance, 0.0))
    return np.where(held, found.difference - half, np.nan), np.where(held, found.difference + half, np.nan)
