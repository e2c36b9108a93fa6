"""What the services need of the world outside, as Protocols that `mia.storage` implements."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome, Response
from mia.domain.past import Past
from mia.frames import OfferHistory, Profiles

NO_BUDGETS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One immutable parquet file of the lake. `day` is its local day for tables partitioned by day."""

    table: str
    path: str
    rows: int
    load: str
    day: int | None = None


class LakeChange(Protocol):
    """A change of the lake that becomes visible as a whole, or not at all."""

    def folder(self) -> Path:
        """Where new files of this change are to be written; their names must be unique in the lake."""

    def add(self, table: str, path: Path, *, rows: int, load: str, day: int | None = None) -> None:
        """Take a file written below `folder()` into the lake."""

    def drop(self, table: str, days: Iterable[int] | None = None) -> None:
        """Leave out the files that the table has now (only those of `days` when given)."""

    def rewrite(self, file: LakeFile, path: Path, rows: int) -> None:
        """Put a file written below `folder()`, with fewer rows, in the place of a live one and under its name."""

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Keep a small JSON value beside the files (loads seen, current catalogue, roll-up state)."""

    def commit(self) -> None:
        """Make the change visible, durably and at once."""


class Lake(Protocol):
    """Parquet files under one atomically replaced manifest."""

    def files(self, table: str | None, days: Iterable[int] | None = None) -> list[LakeFile]:
        """Live files of a table, or of all tables, oldest first."""

    def paths(self, table: str, days: Iterable[int] | None = None) -> list[str]:
        """Absolute paths of the live files."""

    def noted(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """A value kept by `LakeChange.note`, or None."""

    def change(self) -> AbstractContextManager[LakeChange]:
        """The only change at work, as a context; left without a commit it changes nothing. Raises WorkspaceBusy."""


class Session(Protocol):
    """One open connection to a data engine; tables are Ibis expressions, all times are UTC."""

    def __enter__(self) -> "Session":
        """Use the session as a context."""

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def read(self, paths: Sequence[str]) -> ibis.Table:
        """A table over parquet files, read by column name."""

    def table(self, data: pa.Table) -> ibis.Table:
        """A table over Arrow data in memory."""

    def fetch(self, expression: ibis.Table) -> pa.Table:
        """Run an expression."""

    def transform(
        self, tables: Mapping[str, ibis.Table], function: Callable[[Mapping[str, pa.Table]], pa.Table], folder: Path
    ) -> pa.Table:
        """Run a function over the results of some expressions, where the data is.

        The function may be called several times, each time with all rows of some of the subscribers, and once with
        empty tables; its results are put together. Results may pass through `folder`, which must not be there yet.
        """

    def write(self, expression: ibis.Table, path: Path) -> int:
        """Run an expression into one parquet file, in no order; returns its rows."""

    def write_by_day(
        self, expression: ibis.Table, folder: Path, *, column: str, order_by: Sequence[str]
    ) -> list[tuple[int, Path, int]]:
        """Run an expression into files of one day each below `folder`; returns day, path and rows of every file."""


class Engine(Protocol):
    """A data engine that runs the Ibis expressions of the profiles."""

    def open(self) -> Session:
        """A fresh session, to be used as a context."""


@dataclass(frozen=True, slots=True)
class ProfilePart:
    """One range of subscribers: an open session, and the tables that their profiles are assembled from.

    `only` leaves the rows of these subscribers in a table.
    """

    session: Session
    tables: Mapping[str, ibis.Table]
    only: Callable[[ibis.Table], ibis.Table]


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


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision to be committed, and how to take it anew: on what the ledger holds by then, or on None while the
    ledger is away. Without `retake` it is a fact, and kept as it is.
    """

    decision: Decision
    retake: Callable[[Past | None], Decision] | None = None


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

    def known(self, subscriber_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which of n ids have a profile (n)."""

    def first(self, most: int) -> list[str]:
        """Ids of a few subscribers, always the same."""


class Ledger(Protocol):
    """Decisions and events, committed before they are acknowledged."""

    def append_events(self, events: Sequence[Event]) -> list[Outcome]:
        """Commit events in one transaction; one outcome for each, in order.

        An id that is there already with equal content is a duplicate, with other content a conflict; both
        change nothing. Raises LedgerUnavailable.
        """

    def load_events(self, events: pa.Table) -> tuple[int, int, list[str]]:
        """Commit a columnar batch of events (fields of `Event`) in one transaction.

        Returns the numbers accepted and duplicate, and the ids in conflict.
        """

    def append_decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Commit decisions in one transaction. Where a request id was answered before, the earlier decision
        comes back instead. Raises LedgerUnavailable, and RequestConflict when the id came with another request.
        """

    def decision(self, decision_id: str) -> Decision:
        """One decision; raises UnknownDecision."""

    def answered(self, request_id: str) -> Decision | None:
        """The decision that answered this request id, if any."""

    def past(
        self,
        subscriber_id: str,
        *,
        at: int,
        budgets: Mapping[str, int] = NO_BUDGETS,
        upto: tuple[int, int] | None = None,
    ) -> Past:
        """What counts when a decision is taken at `at` (microseconds), all of it in one look; `budgets` are the most
        connections that offers may have in all. With `upto` (positions of events and of decisions) as it was then,
        without what was left of budgets. Raises LedgerUnavailable.
        """

    def responses(self, subscriber_id: str, upto: int | None = None) -> list[Response]:
        """Events of one subscriber up to a ledger position, by time."""

    def connections_by_offer(self, upto: int | None = None, *, after: int = 0) -> dict[str, int]:
        """Connections of each offer in all, after one ledger position and up to another."""

    def position(self) -> int:
        """Position of the newest event; 0 for an empty ledger."""

    def events(self, after: int = 0) -> pa.Table:
        """All events after a position: `seq` and the fields of `Event`, by position."""

    def arrived(self, after: int, limit: int) -> pa.Table:
        """The next events after a position, at most `limit`: `seq`, the fields of `Event`, and `recorded_at`, which is
        the same for events that were committed together (microseconds); by position.
        """

    def decided(self, decision_ids: Sequence[str]) -> pa.Table:
        """`decision_id`, `placement` and `model_version` of those of some decisions that are kept, in no order."""

    def decision_contexts(self) -> pa.Table:
        """What every decision was asked with, by decision_id: `decision_id`, `decided_at`, `placement`, and as a map
        `context` those of its values that are numbers.
        """

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions from one time to before another (microseconds), counted by UTC day number, model, fallback and
        whether they explored: columns day, model, fallback, explored, decisions, in that order.
        """

    def latest_decisions(self, offset: int, limit: int) -> tuple[int, list[Decision]]:
        """Number of decisions kept, and a page of them, the newest first (then by id)."""

    def decisions_count(self) -> int:
        """Number of decisions kept."""

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of decisions that explored, and of all decisions; other impressions belong to neither."""

    def prune_decisions(self, before: int) -> int:
        """Remove the decisions of months (UTC) before this month number; returns how many. Events stay as they are."""

    def person(self, subscriber_id: str) -> tuple[pa.Table, list[Decision]]:
        """All events (`seq` and the fields of `Event`) and all decisions of one subscriber, in order of time."""

    def erase(self, subscriber_id: str, alias: str) -> tuple[int, int]:
        """Let events of a subscriber go on under another name, so that no count changes, and remove its decisions;
        returns how many of both.
        """


class LearningLog(Protocol):
    """The part of the ledger that models learn from and are judged by, without who opted out of personalisation."""

    def events(self, after: int = 0) -> pa.Table:
        """Events after a position; see `Ledger.events`."""

    def decision_contexts(self) -> pa.Table:
        """What decisions were asked with; see `Ledger.decision_contexts`."""

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions counted, of everybody; see `Ledger.decision_tally`."""

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of everybody; see `Ledger.explored_impressions`."""


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


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered model."""

    version: str
    run_id: str
    created_at: int
    champion: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChampionChange:
    """One version becoming champion: when (microseconds), by whom, how (`gate`, `override`, `rollback`) and why."""

    version: str
    at: int
    by: str
    how: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Where a parameter is looked for: from `low` to `high`, in equal steps of its logarithm with `log`, whole numbers
    only with `whole`; or one of `choices`.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    choices: tuple[bool | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of a search."""

    number: int
    parameters: Mapping[str, Any]
    loss: float


class Study(Protocol):
    """A search for parameters of least loss, which can be stopped and taken up again."""

    def done(self) -> list[Tried]:
        """Trials that came to an end, in order."""

    def propose(self) -> dict[str, Any]:
        """Parameters of the next trial."""

    def tell(self, loss: float) -> None:
        """The loss of the trial that was proposed last."""


class Registry(Protocol):
    """Training runs and model versions."""

    def register(
        self,
        *,
        folder: Path,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float],
        tags: Mapping[str, str],
        example: Mapping[str, NDArray[np.float64]] | None = None,
        trials: Sequence[Tried] = (),
    ) -> str:
        """Log a run with everything in `folder` as artifacts, register its model, return the version.

        With an `example`, a few values of each column that the ranker reads, tools that know nothing of MIA can use it.
        `trials` of the search for its parameters are logged as runs inside this one.
        """

    def fetch(self, version: str) -> Path:
        """Folder with the artifacts of a version; raises UnknownModel."""

    def champion(self) -> str | None:
        """Version behind the alias `champion`."""

    def champions(self) -> list[ChampionChange]:
        """Every change of the champion, oldest first, the present one last."""

    def make_champion(self, change: ChampionChange) -> None:
        """Point the alias `champion` at a version and keep when, by whom and why; raises UnknownModel."""

    def judge(self, version: str, verdict: Mapping[str, Any]) -> None:
        """Store the verdict of the gate with the version and leave the alias where it is; raises UnknownModel."""

    def attach(self, version: str, files: Mapping[str, str]) -> None:
        """Keep small text files beside the model, in the place of earlier ones of these names."""

    def attached(self, version: str, name: str) -> bytes | None:
        """One of those files, None where there is none; raises UnknownModel."""

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first."""
