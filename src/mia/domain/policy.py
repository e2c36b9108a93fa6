"""The live policy: all that steers decisions besides model, catalogue and profiles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

DAY_MINUTES = 24 * 60


class ExplorationKind(StrEnum):
    """How an exploring decision draws its order."""

    EPSILON_UNIFORM = "epsilon-uniform"
    PLACKETT_LUCE = "plackett-luce"
    OPTIMISTIC = "optimistic"


@dataclass(frozen=True, slots=True)
class ExplorationPolicy:
    """How often and how decisions explore. `epsilon` in [0, 1]; `temperature` > 0 and `optimism` >= 0 are for the kinds
    that have them.
    """

    kind: ExplorationKind
    epsilon: float
    temperature: float = 0.5
    optimism: float = 1.0

    @property
    def parameters(self) -> Mapping[str, float]:
        """Parameters by name, as a policy that explores is built from them."""
        return {"epsilon": self.epsilon, "temperature": self.temperature, "optimism": self.optimism}


class CapScope(StrEnum):
    """What the impressions that a cap counts have in common, besides the subscriber."""

    OFFER = "offer"
    CATEGORY = "category"
    CHANNEL = "channel"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many impressions to one subscriber within the last `within_days` times 24 hours."""

    per: CapScope
    at_most: int
    within_days: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An offer that was shown `impressions` times within `within_days` since its last answer rests for `rest_days`
    after the latest of them; `rest_days` <= `within_days`.
    """

    impressions: int
    within_days: int
    rest_days: int


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Minutes after local midnight, from `begins` to before `ends`; over midnight where `ends` is the earlier one.

    >>> night = QuietHours(22 * 60, 8 * 60)
    >>> night.hold(23 * 60), night.hold(8 * 60 - 1), night.hold(8 * 60)
    (True, True, False)
    """

    begins: int
    ends: int

    def hold(self, minute: int) -> bool:
        """Whether it is quiet then."""
        if self.begins < self.ends:
            return self.begins <= minute < self.ends
        return minute >= self.begins or minute < self.ends


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """How often a subscriber may be asked, and where only with consent. By default nothing is forbidden.

    `outbound` channels reach out to the subscriber: they need consent and keep the `quiet` hours. After a decline or a
    connection the offer rests for so many days.
    """

    caps: tuple[Cap, ...] = ()
    after_decline_days: int = 0
    after_connection_days: int = 0
    unanswered: Unanswered | None = None
    outbound: frozenset[str] = frozenset()
    quiet: QuietHours | None = None


class Factor(StrEnum):
    """What an offer's worth is the product of, in this order."""

    ACCEPTANCE = "acceptance"
    VALUE = "value"
    CONTEXT = "context"
    PRIORITY = "priority"


@dataclass(frozen=True, slots=True)
class ContextWeight:
    """A weight of offers in a context; what is empty speaks of all. `tags` asks for one of them."""

    weight: float
    channels: frozenset[str] = frozenset()
    placements: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ArbitrationPolicy:
    """The factors that count, and the weights that the one of the context is the product of."""

    factors: frozenset[Factor] = frozenset(Factor)
    weights: tuple[ContextWeight, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; `version` is a hash of its content, 12 hex digits."""

    version: str
    exploration: ExplorationPolicy
    contact: ContactPolicy = field(default_factory=ContactPolicy)
    arbitration: ArbitrationPolicy = field(default_factory=ArbitrationPolicy)
