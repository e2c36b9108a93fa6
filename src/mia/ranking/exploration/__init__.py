"""Policies that explore, each with the exact propensity of what it shows."""

from mia.ranking.exploration.epsilon_uniform import EpsilonUniform
from mia.ranking.exploration.firsts import draw_behind, marginals_behind
from mia.ranking.exploration.plackett_luce import OptimisticPlackettLuce, PlackettLuce
from mia.ranking.exploration.policy import Exploration
from mia.ranking.exploration.prospects import Prospects
from mia.ranking.exploration.registry import (
    POLICIES,
    build_exploration,
    exploration_of_name,
    full_exploration,
)
from mia.ranking.exploration.slate import Slate

__all__ = [
    "POLICIES",
    "EpsilonUniform",
    "Exploration",
    "OptimisticPlackettLuce",
    "PlackettLuce",
    "Prospects",
    "Slate",
    "build_exploration",
    "draw_behind",
    "exploration_of_name",
    "full_exploration",
    "marginals_behind",
]
