"""Keys of the API."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the HTTP door. The secret itself is kept nowhere. Times in microseconds since the epoch.

    `revoked_at` may lie ahead: a key that was rotated passes until then.
    """

    name: str
    scopes: frozenset[str]
    created_at: int = 0
    revoked_at: int | None = None

    def is_live(self, now: int) -> bool:
        """Whether it passes at this moment."""
        return self.revoked_at is None or now < self.revoked_at


class Keys(Protocol):
    """API keys with scopes."""

    def create(self, name: str, scopes: Iterable[str]) -> str:
        """Make a key and return its secret, the only time it can be seen."""

    def live(self) -> dict[str, ApiKey]:
        """Keys that pass now, by the SHA-256 digest of their secret in hexadecimal. Raises LedgerUnavailable."""

    def all(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""

    def rotate(self, name: str, grace: int) -> str:
        """A new secret for a live key, returned this once; the old one passes for `grace` microseconds more.

        Raises InvalidInput when there is no live key of this name.
        """

    def revoke(self, name: str) -> None:
        """Make every live secret of a key useless at once; raises InvalidInput when there is none of this name."""
