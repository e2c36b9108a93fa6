"""Policies of decisions that were stored before policies were files: their name said all of it."""

import re

from mia.domain.policy import Cap, CapScope, ContactPolicy, ExplorationKind, ExplorationPolicy, Policy
from mia.ranking.exploration import exploration_of_name

FORM = re.compile(r"(?P<exploration>[^;]+);cap=(?P<cap>\d+)/(?P<window>\d+)d;decline=(?P<decline>\d+)d")


def policy_of_name(name: str) -> Policy | None:
    """The policy of such a name, None for the version of a file.

    No channel was outbound then, and all factors counted.

    >>> policy_of_name("epsilon-uniform-0.1;cap=12/30d;decline=30d").contact.caps
    (Cap(per=<CapScope.OFFER: 'offer'>, at_most=12, within_days=30),)
    """
    found = FORM.fullmatch(name)
    if found is None:
        return None
    exploration = exploration_of_name(found["exploration"])
    given = {name: getattr(exploration, name) for name in ("temperature", "optimism") if hasattr(exploration, name)}
    cap = Cap(CapScope.OFFER, int(found["cap"]), int(found["window"]))
    return Policy(
        name,
        ExplorationPolicy(ExplorationKind(exploration.kind), exploration.epsilon, **given),
        ContactPolicy((cap,), after_decline_days=int(found["decline"])),
    )
