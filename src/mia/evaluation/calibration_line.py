"""The calibration line: whether stated probabilities are too sure of themselves or too timid."""

from dataclasses import dataclass

import numpy as np

from mia.frames import Floats, Ints

EDGE = 1e-9
STEPS = 50
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Observed log odds against stated ones: intercept 0 and slope 1 are perfect.

    A slope below 1 says that high scores are too high and low ones too low. `low` and `high` are the ends of the 95 %
    interval of the slope.
    """

    intercept: float
    slope: float
    low: float
    high: float

    @property
    def deviation(self) -> float:
        """How far the slope is from 1 for certain: the distance of 1 from the interval, 0 inside it."""
        return max(0.0, self.low - 1.0, 1.0 - self.high)


def fit_line(scores: Floats, labels: Floats, cluster: Ints) -> CalibrationLine:
    """Logistic regression of R labels on the logit of the stated probabilities; clusters are subscribers.

    Cox, D. (1958), Two further applications of a model for binary regression; the interval from the clustered
    sandwich variance (Liang, K., Zeger, S., 1986). NaN where the scores or the labels are all the same.
    """
    kept = np.clip(scores, EDGE, 1 - EDGE)
    odds = np.log(kept) - np.log1p(-kept)
    if not len(labels) or np.ptp(odds) < EDGE or not 0 < labels.sum() < len(labels):
        return CalibrationLine(*[float("nan")] * 4)
    design = np.column_stack([np.ones(len(odds)), odds])
    weights = np.asarray([0.0, 1.0])
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        step = np.linalg.solve(_curvature(design, chance), design.T @ (labels - chance))
        # Newton's steps are shortened, or the first could leap beyond where the curve is flat.
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < EDGE:
            break
    chance = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
    _, codes = np.unique(cluster, return_inverse=True)
    pulls = np.column_stack([np.bincount(codes, part * (labels - chance)) for part in design.T])
    bread = np.linalg.inv(_curvature(design, chance))
    spread = float(np.sqrt((bread @ (pulls.T @ pulls) @ bread)[1, 1]))
    slope = float(weights[1])
    return CalibrationLine(float(weights[0]), slope, slope - NORMAL_95 * spread, slope + NORMAL_95 * spread)


def _curvature(design: Floats, chance: Floats) -> Floats:
    return np.asarray((design * (chance * (1 - chance))[:, None]).T @ design + EDGE * np.eye(2))
