"""The live policy: how decisions explore and how often a subscriber may be asked."""

import re
from dataclasses import dataclass
from typing import Self

from mia.offers.contact import ContactPolicy
from mia.ranking.exploration import Exploration, exploration_of_name

FORM = re.compile(r"(?P<exploration>[^;]+);cap=(?P<cap>\d+)/(?P<window>\d+)d;decline=(?P<decline>\d+)d")


@dataclass(frozen=True, slots=True)
class Policy:
    """What steers decisions besides model, catalogue and profiles.

    The name says all of it, so that replay can read an old policy back.

    >>> from mia.ranking.exploration import EpsilonUniform
    >>> Policy(EpsilonUniform(0.1), ContactPolicy(12, 30, 30)).name
    'epsilon-uniform-0.1;cap=12/30d;decline=30d'
    """

    exploration: Exploration
    contact: ContactPolicy

    @property
    def name(self) -> str:
        """Version of the policy, as decisions store it."""
        contact = self.contact
        return (
            f"{self.exploration.name};cap={contact.impression_cap}/{contact.impression_window_days}d;"
            f"decline={contact.decline_cooldown_days}d"
        )

    @classmethod
    def of_name(cls, name: str) -> Self:
        """The policy of a stored version; raises ValueError for any other text."""
        found = FORM.fullmatch(name)
        if found is None:
            raise ValueError(f"no policy {name!r}")
        return cls(
            exploration_of_name(found["exploration"]),
            ContactPolicy(int(found["cap"]), int(found["window"]), int(found["decline"])),
        )
