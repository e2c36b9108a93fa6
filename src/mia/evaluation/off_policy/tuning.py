"""How far the doubly robust weights are cut or shrunk: what has the least estimated error among a few candidates.

The error of a candidate with weights w' is its variance plus the square of its bias, and the bias against DR is the
mean of (w' - w)(r - q): the criterion of Su, Y., Dimakopoulou, M., Krishnamurthy, A., Dudik, M. (2020), section 5, with
variance and bias taken over subscribers. Infinity is among the candidates, so plain DR can win.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from mia.evaluation.off_policy.estimators import (
    DirectMethod,
    DoublyRobust,
    Estimator,
    Ips,
    ShrinkageDoublyRobust,
    Snips,
    SwitchDoublyRobust,
)
from mia.evaluation.off_policy.logged import Logged, Target

Kind = TypeVar("Kind", SwitchDoublyRobust, ShrinkageDoublyRobust)

STRENGTHS = (1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, np.inf)
"""Candidates for tau and lambda."""


def chosen_estimators(log: Logged, target: Target) -> tuple[Estimator, ...]:
    """All estimators, with tau and lambda chosen for this log and policy."""
    return (
        Ips(),
        Snips(),
        DirectMethod(),
        DoublyRobust(),
        least_error([SwitchDoublyRobust(tau) for tau in STRENGTHS], log, target),
        least_error([ShrinkageDoublyRobust(strength) for strength in STRENGTHS], log, target),
    )


def least_error(candidates: Sequence[Kind], log: Logged, target: Target) -> Kind:
    """The candidate of the least estimated squared error; of equals the first."""
    return min(candidates, key=lambda candidate: squared_error(candidate, log, target))


def squared_error(candidate: SwitchDoublyRobust | ShrinkageDoublyRobust, log: Logged, target: Target) -> float:
    """Estimated variance, clustered by subscriber, plus squared bias against DR."""
    slates = float(log.slates)
    terms = candidate.terms(log, target) - log.first_of_slate * candidate.estimate(log, target)
    _, codes = np.unique(log.cluster, return_inverse=True)
    variance = float((np.bincount(codes, weights=terms) ** 2).sum()) / slates**2
    weight = target.weight(log)
    bias = float(((candidate.weight(weight) - weight) * (log.reward - target.expected)).sum()) / slates
    return variance + bias**2
