"""A subscriber: one SIM or contract under an opaque id, and the experiment arm it stays in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import md5

ARM_BUCKETS = 10_000


class Arm(StrEnum):
    """The persistent experiment group of a subscriber."""

    MIA = "mia"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class ArmSplit:
    """How subscribers fall into arms: a salted hash, so that an arm survives restarts and needs no storage.

    `control_share` lies in [0, 1] with a resolution of 1 / 10,000.
    """

    salt: str = "mia-2021"
    control_share: float = 0.1

    def arm_of(self, subscriber_id: str) -> Arm:
        """The arm of one subscriber.

        >>> ArmSplit(control_share=0.0).arm_of("s1")
        <Arm.MIA: 'mia'>
        """
        digest = md5(f"{self.salt}:{subscriber_id}".encode(), usedforsecurity=False).hexdigest()
        bucket = int(digest[:8], 16) % ARM_BUCKETS
        return Arm.CONTROL if bucket < self.control_share * ARM_BUCKETS else Arm.MIA


@dataclass(frozen=True, slots=True)
class Subscriber:
    """What is known of a subscriber besides its usage.

    `attributes` holds every column that is not named here, numeric or categorical.
    """

    subscriber_id: str
    region: str
    activated_day: int
    macro_region: str | None = None
    tariff: str | None = None
    timezone: str | None = None
    personalisation: bool = True
    attributes: Mapping[str, str | float | None] = field(default_factory=dict)
