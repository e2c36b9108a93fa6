"""The profile store: immutable snapshots, looked up by subscriber."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mia.frames import OfferHistory, Profiles
from mia.ports.engine import Session

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """One range of subscribers: an open session, and the tables that their profiles are assembled from.

    `only` leaves the rows of these subscribers in a table.
    """

    session: Session
    tables: Mapping[str, "ibis.Table"]
    only: "Callable[[ibis.Table], ibis.Table]"


class ProfileStore(Protocol):
    """Immutable snapshots of profiles, one an as-of day, looked up by subscriber."""

    def publish(self, as_of: int, chunks: Iterable[Profiles], history: OfferHistory, fingerprint: str) -> str:
        """Write a snapshot of one day, make it visible as a whole, return its name.

        It becomes the current one unless that is of a later day.
        Rows ascend by subscriber_id, in the order of its bytes, within and over chunks; raises ValueError where they
        do not, or where one is of another day.
        """

    def current(self) -> str | None:
        """Name of the newest snapshot of the latest day that was published, None when there is none yet."""

    def fingerprint(self, snapshot: str) -> str:
        """Fingerprint of the feature schema the snapshot was made with."""

    def history(self, snapshot: str) -> OfferHistory:
        """What was known of the offers on the day of the snapshot."""

    def find(self, snapshot: str, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber as a frame of one row, None when it has none."""

    def reader(self, snapshot: str) -> "ProfileReader":
        """A snapshot that stays open as long as the reader is kept."""

    def find_many(self, snapshot: str, subscriber_ids: Sequence[str]) -> tuple[Profiles, NDArray[np.bool_]]:
        """Profiles of the known ids of n, in the order asked for, and which of the ids are known (n)."""

    def holding(self, subscriber_id: str) -> list[str]:
        """Snapshots that know a subscriber, oldest first."""

    def retire(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots, but never the current one; decisions that name them cannot be rebuilt any more."""


class ProfileReader(Protocol):
    """One open snapshot."""

    @property
    def as_of(self) -> int:
        """Its day."""

    @property
    def rows(self) -> int:
        """Number of profiles."""

    @property
    def blank(self) -> Profiles:
        """A row of nothing: every feature unknown, no attribute, no keys."""

    def find(self, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber as a frame of one row, None when it has none."""

    def attributes(self, subscriber_id: str, names: Sequence[str]) -> Mapping[str, Any] | None:
        """Some attributes of one subscriber alone, those that there are; None when it has no profile."""

    def find_many(self, subscriber_ids: Sequence[str]) -> tuple[Profiles, NDArray[np.bool_]]:
        """Profiles of the known ids of n, in the order asked for (ids may repeat), and which of the ids are known."""

    def known(self, subscriber_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which of n ids have a profile (n)."""

    def first(self, most: int) -> list[str]:
        """Ids of a few subscribers, always the same."""
