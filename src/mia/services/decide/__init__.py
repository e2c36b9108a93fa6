"""Decide: one request in, the ranked offers out; and the same again for replay."""

from mia.services.decide.knock_out import Knocked, KnockOut, Lost
from mia.services.decide.live import Live, LiveLoader
from mia.services.decide.maker import DecisionMaker, LocalFacts, Replayed
from mia.services.decide.rehearsal import Rehearsal

__all__ = [
    "DecisionMaker",
    "KnockOut",
    "Knocked",
    "Live",
    "LiveLoader",
    "LocalFacts",
    "Lost",
    "Rehearsal",
    "Replayed",
]
