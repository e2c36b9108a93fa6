"""Decide: one request in, the ranked offers out; and the same again for replay."""

from mia.services.decide.budget import Budget
from mia.services.decide.live import Live, LiveLoader
from mia.services.decide.maker import DecisionMaker, LocalFacts
from mia.services.decide.newcomers import Newcomers
from mia.services.decide.policy import Policy
from mia.services.decide.rehearsal import Rehearsal
from mia.services.decide.replay import Replayed, Traced

__all__ = [
    "Budget",
    "DecisionMaker",
    "Live",
    "LiveLoader",
    "LocalFacts",
    "Newcomers",
    "Policy",
    "Rehearsal",
    "Replayed",
    "Traced",
]
