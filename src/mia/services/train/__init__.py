"""Train: from impressions to a registered candidate, and what it and others would have earned."""

from mia.services.train.evaluate import Evaluated, Evaluator
from mia.services.train.monitor import Monitor
from mia.services.train.targets import LOGGED
from mia.services.train.trainer import Trained, Trainer, TrainingPlan
from mia.services.train.tuning import SPACE, Budget, Search

__all__ = [
    "LOGGED",
    "SPACE",
    "Budget",
    "Evaluated",
    "Evaluator",
    "Monitor",
    "Search",
    "Trained",
    "Trainer",
    "TrainingPlan",
]
