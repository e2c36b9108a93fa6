"""Calibration: raw scores to probabilities by a straight line in the logit, which keeps the order.

Platt, J. (1999), Probabilistic outputs for support vector machines: p = 1 / (1 + exp(-(a + b s))), with s the logit
of the raw score, fitted by Newton's method on the log loss.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mia.frames import Floats

EDGE = 1e-9
STEPS = 25
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """Intercept and slope of the logit; the neutral one leaves scores as they are."""

    intercept: float = 0.0
    slope: float = 1.0

    @classmethod
    def fit(cls, scores: Floats, labels: Floats) -> Self:
        """From raw scores in (0, 1) and labels 0 or 1, pulled lightly towards the neutral line."""
        design = np.column_stack([np.ones(len(scores)), logit(scores)])
        neutral = np.asarray([0.0, 1.0])
        weights = neutral.copy()
        for _ in range(STEPS):
            chance = expit(design @ weights)
            gradient = design.T @ (chance - labels) + RIDGE * (weights - neutral)
            curvature = (design * (chance * (1 - chance))[:, None]).T @ design + RIDGE * np.eye(2)
            step = np.linalg.solve(curvature, gradient)
            weights = weights - step
            if np.abs(step).max() < EDGE:
                break
        return cls(float(weights[0]), float(weights[1])) if weights[1] > 0 else cls()

    def apply(self, scores: Floats) -> Floats:
        """Calibrated probabilities."""
        return expit(self.intercept + self.slope * logit(scores))


def logit(chance: Floats) -> Floats:
    """log(p / (1 - p)), with p kept away from 0 and 1."""
    kept = np.clip(chance, EDGE, 1 - EDGE)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def expit(value: Floats) -> Floats:
    """1 / (1 + exp(-x)).

    >>> float(expit(np.asarray([0.0]))[0])
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-value)))
