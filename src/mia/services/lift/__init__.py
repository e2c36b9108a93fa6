"""Measure lift: who is in the experiment, what they connected, and how much of it MIA caused."""

from mia.services.lift.meter import LiftMeter
from mia.services.lift.population import Population, PopulationReader

__all__ = ["LiftMeter", "Population", "PopulationReader"]
