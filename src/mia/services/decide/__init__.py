"""Decide: one request in, the ranked offers out; and the same again for replay."""

from mia.services.decide.live import Live, LiveLoader
from mia.services.decide.maker import DecisionMaker, LocalFacts, Replayed
from mia.services.decide.policy import Policy
from mia.services.decide.rehearsal import Rehearsal

__all__ = ["DecisionMaker", "Live", "LiveLoader", "LocalFacts", "Policy", "Rehearsal", "Replayed"]
