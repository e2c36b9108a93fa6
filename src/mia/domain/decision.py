"""A decision: MIA's answer to one request, with everything needed to replay it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mia.domain.offer import Language


class Fallback(StrEnum):
    """Why an answer is not the full personalised one. Each is named in the answer and counted."""

    UNKNOWN_SUBSCRIBER = "unknown_subscriber"
    NO_PROFILE = "no_profile"
    NO_MODEL = "no_model"
    FEATURE_MISMATCH = "feature_mismatch"
    MODEL_FAILED = "model_failed"
    MODEL_SLOW = "model_slow"
    OPTED_OUT = "opted_out"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    NOT_STORED = "not_stored"


class Rule(StrEnum):
    """Rules that can drop a candidate, in the order they are applied."""

    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    CHANNEL = "channel"
    CONSENT = "no_consent"
    REGION = "region"
    CONDITION = "eligible_if"
    REQUIRES = "requires"
    EXCLUDES = "excludes"
    CONNECTED = "already_connected"
    SUBSCRIBER_LIMIT = "limit_per_subscriber"
    QUIET_HOURS = "quiet_hours"
    DECLINED = "cooldown_after_decline"
    RECENTLY_CONNECTED = "cooldown_after_connection"
    UNANSWERED = "cooldown_unanswered"
    SEEN_TOO_OFTEN = "impression_cap"
    CATEGORY_CAP = "impression_cap_category"
    CHANNEL_CAP = "impression_cap_channel"
    TOTAL_CAP = "impression_cap_all"
    TOTAL_LIMIT = "limit_total"
    RANK = "below_limit"


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What the personal account asks for. `at` in microseconds since the epoch; `region` is where the client believes
    the subscriber to be, and counts only for one of whom nothing is known.
    """

    subscriber_id: str
    channel: str
    at: int
    placement: str | None = None
    limit: int = 3
    language: Language = Language.RU
    context: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why this offer, in the subscriber's words."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """One offer of an answer. `acceptance` and `propensity` in [0, 1]; `expected_value` in currency units."""

    offer_id: str
    position: int
    acceptance: float
    expected_value: float
    propensity: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """How many candidates one stage was given and let through."""

    name: str
    entered: int
    passed: int


@dataclass(frozen=True, slots=True)
class Versions:
    """Everything that was in force when a decision was taken."""

    model: str | None
    catalogue: str
    profile: str | None
    policy: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and what it takes to rebuild it.

    `seed` drives the exploration; `ledger_position` is the last event the decision could see, `decision_position` the
    last decision of its subscriber that it counted. Until `reserved_until` (microseconds) its offers keep their places
    in caps without an impression. `exhausted` are offers whose budgets it was told to be used up. `empty_reason` names
    the stage that dropped the last candidate of an answer without offers. `attributes` are what was known of a
    subscriber without a profile, which no snapshot keeps. `stages` and `dropped` tell of the losers: they are rebuilt
    when they are asked for and kept nowhere, so they count for nothing when decisions are compared.
    """

    decision_id: str
    request: DecisionRequest
    arm: str
    versions: Versions
    seed: int
    ledger_position: int
    explored: bool
    fallback: Fallback | None
    offers: tuple[RankedOffer, ...]
    stages: Sequence[Stage] = field(default=(), compare=False)
    dropped: Mapping[str, str] = field(default_factory=dict, compare=False)
    decision_position: int = 0
    reserved_until: int = 0
    exhausted: tuple[str, ...] = ()
    empty_reason: str | None = None
    attributes: Mapping[str, str | float | None] | None = None
