"""From the text of a policy file to a policy, and to its version."""

import json
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from mia.domain.event import Channel
from mia.domain.policy import (
    ArbitrationPolicy,
    Cap,
    CapScope,
    ContactPolicy,
    ContextWeight,
    ExplorationKind,
    ExplorationPolicy,
    Factor,
    Policy,
    QuietHours,
    Unanswered,
)
from mia.errors import InvalidInput
from mia.offers.policy.fields import Fields

DEFAULT = "default.yaml"
MOST_TEMPERATURE = MOST_OPTIMISM = 10.0
MOST_WEIGHT = 1_000.0
CHANNELS = tuple(str(channel) for channel in Channel)


def load_policy(path: Path) -> tuple[str, Policy]:
    """The text of a file and the policy that it says; raises InvalidInput that names file, path and rule."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=path.name) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("is not encoded in UTF-8", file=path.name) from error
    return text, read_policy(text, file=path.name)


def read_policy(text: str, *, file: str) -> Policy:
    """The policy that a text in YAML says; messages call it `file`. Raises InvalidInput."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML: {' '.join(str(error).split())}", file=file) from error
    return build_policy(content, file=file)


def build_policy(content: Any, *, file: str) -> Policy:  # noqa: ANN401 - whatever the file holds
    """The policy of a content like that of the default file; raises InvalidInput on the first broken rule."""
    fields = Fields(content, file=file)
    exploration = _exploration(fields.section("exploration"))
    outbound = fields.section("outbound")
    channels = outbound.words("channels", CHANNELS)
    quiet = None if (hours := outbound.optional("quiet_hours")) is None else _quiet(hours)
    outbound.close()
    caps = tuple(_cap(cap) for cap in fields.sections("caps"))
    cooldowns = fields.section("cooldowns")
    decline = cooldowns.count("after_decline_days", 0)
    connection = cooldowns.count("after_connection_days", 0)
    unanswered = None if (rule := cooldowns.optional("after_unanswered")) is None else _unanswered(rule)
    cooldowns.close()
    arbitration = _arbitration(fields.section("arbitration"))
    fields.close()
    contact = ContactPolicy(caps, decline, connection, unanswered, channels, quiet)
    policy = Policy("", exploration, contact, arbitration)
    return replace(policy, version=_version(policy))


def default_text() -> str:
    """The policy file that ships with the package."""
    return resources.files(__package__).joinpath(DEFAULT).read_text("utf-8")


@cache
def default_policy() -> Policy:
    """The policy of that file."""
    return read_policy(default_text(), file=DEFAULT)


def _exploration(fields: Fields) -> ExplorationPolicy:
    found = ExplorationPolicy(
        ExplorationKind(fields.word("policy", tuple(ExplorationKind))),
        fields.number("epsilon", 0.0, 1.0),
        fields.number("temperature", 0.0, MOST_TEMPERATURE, above=True, default=0.5),
        fields.number("optimism", 0.0, MOST_OPTIMISM, default=1.0),
    )
    fields.close()
    return found


def _quiet(fields: Fields) -> QuietHours:
    found = QuietHours(fields.minute("from"), fields.minute("to"))
    fields.close()
    if found.begins == found.ends:
        raise fields.refusal("to", "must be another time than `from`; leave quiet_hours out for none")
    return found


def _cap(fields: Fields) -> Cap:
    found = Cap(
        CapScope(fields.word("per", tuple(CapScope))), fields.count("at_most", 1), fields.count("within_days", 1)
    )
    fields.close()
    return found


def _unanswered(fields: Fields) -> Unanswered:
    found = Unanswered(fields.count("impressions", 1), fields.count("within_days", 1), fields.count("rest_days", 1))
    fields.close()
    if found.rest_days > found.within_days:
        raise fields.refusal("rest_days", "must not be more than within_days")
    return found


def _arbitration(fields: Fields) -> ArbitrationPolicy:
    switches = fields.section("factors")
    factors = frozenset(factor for factor in Factor if switches.truth(factor))
    switches.close()
    weights = tuple(_weight(weight) for weight in fields.sections("context"))
    fields.close()
    return ArbitrationPolicy(factors, weights)


def _weight(fields: Fields) -> ContextWeight:
    found = ContextWeight(
        fields.number("weight", 0.0, MOST_WEIGHT),
        fields.words("channels", CHANNELS),
        fields.words("placements"),
        fields.words("categories"),
        fields.words("tags"),
    )
    fields.close()
    return found


def _version(policy: Policy) -> str:
    content = json.dumps(asdict(policy), sort_keys=True, default=sorted)
    return sha256(content.encode()).hexdigest()[:12]
