"""Estimators of the value of a policy a slate, by their published formulas.

In all of them w = chance / propensity is the importance weight of a row, r its reward, q the modelled reward of what
was shown and v that of what the policy would show; sums run over the rows of all slates, N is the number of slates.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia.evaluation.off_policy.logged import Logged, Target
from mia.frames import Floats


class Estimator(ABC):
    """An estimator is columns (R x c) and a function of their sums, so that resamples need the sums alone."""

    name: ClassVar[str]

    @abstractmethod
    def columns(self, log: Logged, target: Target) -> Floats:
        """What is summed over rows, R x c."""

    @abstractmethod
    def value(self, sums: Floats) -> Floats:
        """The estimate from sums of shape (..., c)."""

    def estimate(self, log: Logged, target: Target) -> float:
        """The estimate from a whole log."""
        return float(self.value(self.columns(log, target).sum(axis=0)))


class _Mean(Estimator):
    """An estimator that is a sum over rows divided by the number of slates."""

    def columns(self, log: Logged, target: Target) -> Floats:
        return np.column_stack([self.terms(log, target), log.first_of_slate])

    def value(self, sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / sums[..., 1])

    @abstractmethod
    def terms(self, log: Logged, target: Target) -> Floats:
        """What is summed (R)."""


@dataclass(frozen=True, slots=True)
class Ips(_Mean):
    """Inverse propensity scoring, sum of w r / N (Horvitz, D., Thompson, D., 1952; for slates Li, S. et al., 2018)."""

    name: ClassVar[str] = "ips"

    def terms(self, log: Logged, target: Target) -> Floats:
        """w r."""
        return target.weight(log) * log.reward


@dataclass(frozen=True, slots=True)
class Snips(Estimator):
    """Self-normalised IPS (Swaminathan, A., Joachims, T., 2015), place by place.

    Sum over places of [rows there / N] x [sum of w r there] / [sum of w there]; a place where no logged choice is the
    policy's has no estimate, and neither has then the slate.
    """

    name: ClassVar[str] = "snips"

    def columns(self, log: Logged, target: Target) -> Floats:
        """For each place w r, w and 1, then 1 a slate."""
        weight = target.weight(log)
        places, code = np.unique(log.place, return_inverse=True)
        here = np.equal(code[:, None], np.arange(len(places))).astype(np.float64)
        return np.column_stack(
            [here * (weight * log.reward)[:, None], here * weight[:, None], here, log.first_of_slate]
        )

    def value(self, sums: Floats) -> Floats:
        """From the sums of `columns`."""
        gained, weight, rows = np.split(sums[..., :-1], 3, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((rows * gained / weight).sum(axis=-1) / sums[..., -1])


@dataclass(frozen=True, slots=True)
class DirectMethod(_Mean):
    """The direct method, sum of v / N (Beygelzimer, A., Langford, J., 2009): as good as its model."""

    name: ClassVar[str] = "dm"

    def terms(self, log: Logged, target: Target) -> Floats:  # noqa: ARG002 - the model has seen the log
        """v."""
        return target.planned


class _Corrected(_Mean):
    """Doubly robust estimators: sum of v + w' (r - q) / N, each with its own weights w'."""

    def terms(self, log: Logged, target: Target) -> Floats:
        return target.planned + self.weight(target.weight(log)) * (log.reward - target.expected)

    @abstractmethod
    def weight(self, weight: Floats) -> Floats:
        """The weights w' of the correction, from w."""


@dataclass(frozen=True, slots=True)
class DoublyRobust(_Corrected):
    """Doubly robust, w' = w (Dudik, M., Langford, J., Li, L., 2011)."""

    name: ClassVar[str] = "dr"

    def weight(self, weight: Floats) -> Floats:
        """W."""
        return weight


@dataclass(frozen=True, slots=True)
class SwitchDoublyRobust(_Corrected):
    """Switch-DR, w' = w where w <= tau, else 0 (Wang, Y.-X., Agarwal, A., Dudik, M., 2017)."""

    name: ClassVar[str] = "switch_dr"
    tau: float

    def weight(self, weight: Floats) -> Floats:
        """W, or 0 above tau."""
        return np.where(weight <= self.tau, weight, 0.0)


@dataclass(frozen=True, slots=True)
class ShrinkageDoublyRobust(_Corrected):
    """DR with optimistic shrinkage, w' = lambda w / (w^2 + lambda) (Su, Y. et al., 2020); infinite lambda is DR."""

    name: ClassVar[str] = "dr_os"
    strength: float

    def weight(self, weight: Floats) -> Floats:
        """The shrunk weights."""
        if np.isinf(self.strength):
            return weight
        return np.asarray(self.strength * weight / (weight**2 + self.strength))
