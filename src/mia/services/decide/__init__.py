"""Decide: one request in, the ranked offers out; and the same again for replay."""

from mia.services.decide.budget import Budget, at_once
from mia.services.decide.knock_out import Knocked, KnockOut, Lost
from mia.services.decide.live import Live, LiveLoader
from mia.services.decide.maker import DecisionMaker, LocalFacts
from mia.services.decide.newcomers import Newcomers
from mia.services.decide.rehearsal import Rehearsal
from mia.services.decide.replay import Replayed, Traced

__all__ = [
    "Budget",
    "DecisionMaker",
    "KnockOut",
    "Knocked",
    "Live",
    "LiveLoader",
    "LocalFacts",
    "Lost",
    "Newcomers",
    "Rehearsal",
    "Replayed",
    "Traced",
    "at_once",
]
