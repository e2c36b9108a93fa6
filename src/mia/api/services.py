"""What the door needs of the rooms behind it, as one value, so that tests hand in fakes without patching."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Event, Outcome
from mia.domain.offer import Offer
from mia.ports import Keys
from mia.services.record import Rejected


class Offers(Protocol):
    """The catalogue in force."""

    @property
    def version(self) -> str:
        """Version of the catalogue."""

    @property
    def offers(self) -> Sequence[Offer]:
        """All offers."""

    def offer(self, offer_id: str) -> Offer:
        """One offer; raises UnknownOffer."""


class Decisions(Protocol):
    """Takes decisions; never raises for an unknown subscriber or a missing model, but falls back."""

    @property
    def catalogue(self) -> Offers:
        """The catalogue in force."""

    @property
    def model_version(self) -> str | None:
        """Version of the live model."""

    @property
    def snapshot(self) -> str | None:
        """Name of the profile snapshot in use."""

    def decide(self, request: DecisionRequest) -> Decision:
        """Take a decision; it is not stored yet."""

    def trace(self, decision_id: str) -> Decision:
        """A stored decision; raises UnknownDecision."""


class Recorder(Protocol):
    """Turns what clients send into complete events."""

    def prepare(self, raw: Sequence[Any]) -> tuple[list[Event], list[Rejected]]:
        """Events fit to be stored, and those that are not, with the reason."""


class Writer(Protocol):
    """Group commit into the ledger: futures are done after the commit. Raises LedgerUnavailable, now or later."""

    def submit_decision(self, decision: Decision) -> Future[Decision]:
        """Store a decision; the stored one comes back (an earlier one when the request id repeats)."""

    def submit_events(self, events: Sequence[Event]) -> Future[list[Outcome]]:
        """Store events; one outcome for each, in order."""


class Ledger(Protocol):
    """What the door reads of the ledger."""

    def position(self) -> int:
        """Position of the newest event; raises LedgerUnavailable."""


class Uptake(Protocol):
    """Connections over time."""

    def table(self, baseline: str, by: str, start: str | None = None, end: str | None = None) -> pa.Table:
        """One row a month and group; months as `YYYY-MM`."""

    def headline(self, macro_region: str, baseline: str) -> Mapping[str, Any] | None:
        """Growth of one macro-region from the baseline month to the newest month."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the door. `clock` gives microseconds since the epoch; `close` drains what is in flight."""

    decisions: Decisions
    recorder: Recorder
    ledger: Ledger
    writer: Writer
    keys: Keys
    uptake: Uptake
    clock: Callable[[], int]
    close: Callable[[], None]
