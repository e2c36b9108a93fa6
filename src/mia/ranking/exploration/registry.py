"""The policies that explore, by kind and by name."""

from dataclasses import fields

from mia.ranking.exploration.epsilon_uniform import EpsilonUniform
from mia.ranking.exploration.plackett_luce import OptimisticPlackettLuce, PlackettLuce
from mia.ranking.exploration.policy import Exploration

POLICIES: dict[str, type[Exploration]] = {
    policy.kind: policy for policy in (EpsilonUniform, PlackettLuce, OptimisticPlackettLuce)
}


def build_exploration(kind: str, **parameters: float) -> Exploration:
    """A policy of a kind; parameters that the kind does not have are passed over. Raises ValueError."""
    found = _kind(kind)
    return found(**{field.name: parameters[field.name] for field in fields(found)})


def exploration_of_name(name: str) -> Exploration:
    """The policy of a stored version; raises ValueError for any other text.

    >>> exploration_of_name("optimistic-0.1,0.5,2.0")
    OptimisticPlackettLuce(epsilon=0.1, temperature=0.5, optimism=2.0)
    """
    for kind, policy in POLICIES.items():
        if name.startswith(f"{kind}-"):
            return _with(policy, name.removeprefix(f"{kind}-").split(","), name)
    raise ValueError(f"no exploration policy {name!r}")


def full_exploration(text: str) -> Exploration:
    """The policy `kind:parameters` that draws every order by chance; raises ValueError.

    >>> full_exploration("plackett-luce:0.5")
    PlackettLuce(epsilon=1.0, temperature=0.5)
    """
    kind, _, given = text.partition(":")
    return _with(_kind(kind), ["1.0", *(given.split(",") if given else ())], text)


def _kind(kind: str) -> type[Exploration]:
    if kind not in POLICIES:
        raise ValueError(f"no exploration policy {kind!r}; there are {', '.join(POLICIES)}")
    return POLICIES[kind]


def _with(policy: type[Exploration], values: list[str], text: str) -> Exploration:
    wanted = [field.name for field in fields(policy)]
    if len(values) != len(wanted):
        raise ValueError(f"no exploration policy {text!r}: {policy.kind} has {', '.join(wanted)}")
    return policy(*(float(value) for value in values))
