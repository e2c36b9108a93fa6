"""The closed sets of usage records: kinds with their units, directions and roaming."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class UsageKind:
    """A kind of usage record. `activity` is false for what happens without the subscriber doing anything."""

    name: str
    unit: str
    activity: bool = True


USAGE_KINDS: dict[str, UsageKind] = {
    kind.name: kind
    for kind in (
        UsageKind("voice", "second"),
        UsageKind("sms", "message"),
        UsageKind("data", "byte"),
        UsageKind("content", "unit"),
        UsageKind("fee", "unit", activity=False),
        UsageKind("top_up", "unit", activity=False),
    )
}


class Direction(StrEnum):
    """Who started a call or message."""

    IN = "in"
    OUT = "out"


class Roaming(StrEnum):
    """Where the subscriber was."""

    HOME = "home"
    NATIONAL = "national"
    INTERNATIONAL = "international"


APP_CATEGORIES = ("video", "social", "music", "games", "maps", "messenger", "news", "work")
"""Application categories whose volumes are profile columns of their own; any other category counts among all."""
