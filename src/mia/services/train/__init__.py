"""Train: from impressions to a registered candidate, and what it and others would have earned."""

from mia.services.train.evaluate import Evaluated, Evaluator
from mia.services.train.targets import LOGGED
from mia.services.train.trainer import Trained, Trainer, TrainingPlan

__all__ = ["LOGGED", "Evaluated", "Evaluator", "Trained", "Trainer", "TrainingPlan"]
