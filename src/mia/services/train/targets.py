"""The policies that are valued: who scores the offers, and how the order is made of the scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mia.errors import InvalidInput
from mia.ranking.exploration import POLICIES, EpsilonUniform, Exploration, exploration_of_name, full_exploration

LOGGED = "logged"
"""The policy that made the log, valued beside the others by what was really answered."""
MIA = "mia"
EXPLORING = "plackett-luce:0.5"
"""A policy that draws every order by chance, valued by default."""


@dataclass(frozen=True, slots=True)
class TargetPolicy:
    """Offers as `ranker` scores them, in the order that `exploration` makes of it."""

    ranker: str
    exploration: Exploration


def targets_of(names: Iterable[str], rankers: Iterable[str]) -> dict[str, TargetPolicy]:
    """Policies by name: a ranker's name is its greedy policy; `plackett-luce:0.5` and the like draw every order by
    chance from what MIA scores; the stored name of a live policy, such as `epsilon-uniform-0.1`, is that policy.

    Raises InvalidInput for any other name.
    """
    known = tuple(rankers)
    return {name: _target(name, known) for name in names if name != LOGGED}


def default_targets(rankers: Mapping[str, object]) -> dict[str, TargetPolicy]:
    """The greedy policy of each ranker, and the one that explores."""
    return targets_of((*rankers, EXPLORING), rankers)


def _target(name: str, rankers: tuple[str, ...]) -> TargetPolicy:
    if name in rankers:
        return TargetPolicy(name, EpsilonUniform(0.0))
    for read in (exploration_of_name, full_exploration):
        try:
            return TargetPolicy(MIA, read(name))
        except ValueError:
            continue
    kinds = ", ".join(POLICIES)
    raise InvalidInput(
        f"no policy {name!r}; there are {', '.join((LOGGED, *rankers))}, and KIND:PARAMETERS such as {EXPLORING}, "
        f"where KIND is one of {kinds}",
        parameter="policy",
    )
