"""What the door needs of the rooms behind it, as one value, so that tests hand in fakes without patching."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import pyarrow as pa

from mia.domain.change import Change
from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Event, Outcome
from mia.domain.offer import Offer
from mia.ports import Keys, Proposal
from mia.services.decide import Traced
from mia.services.record import Rejected
from mia.services.sign_in import SignIn
from mia.uptake.growth import Span
from mia.uptake.headline import Headline
from mia.uptake.lift.result import LiftReport


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

    @property
    def policy(self) -> str:
        """Version of the policy in force."""

    @property
    def is_warm(self) -> bool:
        """Whether what is in force has answered requests."""

    @property
    def trouble(self) -> str | None:
        """Why newer versions, if there are any, are not in force."""

    @property
    def together(self) -> int:
        """How many requests are worth deciding together."""

    def propose(self, requests: Sequence[DecisionRequest]) -> Sequence[Proposal | Exception]:
        """Take the decisions of one or more requests together; they are not stored yet. Of one that cannot be answered
        the error.
        """

    def trace(self, decision_id: str) -> Decision:
        """A decision as the ledger holds it; raises UnknownDecision."""

    def traced(self, decision_id: str) -> Traced:
        """A stored decision with what became of the other offers; raises UnknownDecision."""

    def reload(self) -> None:
        """Take over newer versions of catalogue, model and snapshot, if there are any. Blocks while it loads."""


class Recorder(Protocol):
    """Turns what clients send into complete events."""

    def prepare(self, raw: Sequence[Any]) -> tuple[list[Event], list[Rejected]]:
        """Events fit to be stored, and those that are not, with the reason."""


class Writer(Protocol):
    """Group commit into the ledger: answers come after the commit. Raises LedgerUnavailable, now or later."""

    @property
    def waiting(self) -> int:
        """Requests that wait for a commit."""

    def submit(
        self,
        proposals: Sequence[Proposal],
        answered: Callable[[Sequence[tuple[int, Decision | Exception]]], None],
    ) -> None:
        """Store decisions; `answered` gets the stored ones by their places, as they come and in another thread (an
        earlier one where the request id repeats), or why there is none.
        """

    def submit_events(self, events: Sequence[Event]) -> Future[list[Outcome]]:
        """Store events; one outcome for each, in order."""


class Ledger(Protocol):
    """What the door reads of the ledger."""

    def position(self) -> int:
        """Position of the newest event; raises LedgerUnavailable."""

    def latest_decisions(self, offset: int, limit: int) -> tuple[int, list[Decision]]:
        """Number of decisions kept, and a page of them, the newest first; raises LedgerUnavailable."""


class Uptake(Protocol):
    """Connections over time."""

    def months(self) -> list[str]:
        """Months that figures can be asked for and that can be a baseline, oldest first, as `YYYY-MM`."""

    def table(
        self,
        baseline: str,
        by: str | None = None,
        start: str | None = None,
        end: str | None = None,
        *,
        grain: str = "month",
        only: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> pa.Table:
        """One row a period and group; raises InvalidInput that names the parameter."""

    def refresh(self) -> None:
        """Take in what is new; figures are those of the last time. Raises LedgerUnavailable and WorkspaceBusy."""

    def position(self) -> int:
        """The position of the ledger up to which figures go."""

    def restated(self) -> pa.Table:
        """Figures that changed since they were published."""

    def headline(
        self,
        macro_region: str,
        baseline: str,
        month: str | None = None,
        *,
        only: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Headline:
        """Growth of one macro-region from the baseline month, by default to the newest complete month with events.

        Raises InvalidInput.
        """

    def newest_settled(self) -> str | None:
        """The newest complete month with events, None while there is none."""

    def values(self, dimension: str) -> list[str]:
        """What figures can be narrowed to in a dimension, by name."""

    def span(self) -> Span | None:
        """The local days that figures go from and to, and up to which all events arrived; None without events."""


class Lift(Protocol):
    """What MIA caused."""

    def report(
        self,
        by: str | None = None,
        start: str | None = None,
        end: str | None = None,
        baseline: str | None = None,
        aa: int | None = None,
    ) -> LiftReport:
        """Lift in a period, in all and by group; raises InvalidInput that names the parameter, and NotEnoughData."""


class Health(Protocol):
    """The last report on the live model."""

    def report(self) -> dict[str, Any] | None:
        """The figures; None before the first."""

    def page(self) -> bytes:
        """The page; raises NoReport before the first."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the door.

    `catalogue` gives a catalogue by its version, for decisions older than the one in force; `card` gives the model card
    of a version as HTML and raises UnknownModel; `health` keeps the last report on the live model; `headline` is the
    macro-region that the dashboard's headline speaks of; `clock` gives microseconds since the epoch; `sign_in` opens
    sessions of people; `ages` says how old model, catalogue and profiles in force are, in seconds; `changes` when each
    catalogue and policy was put in force first; `close` drains what is in flight.
    """

    decisions: Decisions
    catalogue: Callable[[str], Offers]
    recorder: Recorder
    ledger: Ledger
    writer: Writer
    keys: Keys
    uptake: Uptake
    lift: Lift
    card: Callable[[str], bytes]
    health: Health
    headline: str
    clock: Callable[[], int]
    sign_in: SignIn
    ages: Callable[[], Mapping[str, float]]
    changes: Callable[[], Sequence[Change]]
    close: Callable[[], None]
