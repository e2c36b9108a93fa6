"""The error tree. Errors carry data and inherit the matching builtin; HTTP codes appear only in `mia.api`.

MiaError
├── InvalidInput (ValueError)          a file, row, column or value breaks a named rule; exit code 2
│   └── NotEnoughData                  the input is well formed but too little to work with
├── InvalidSettings (ValueError)       mia.toml or a MIA_* variable cannot be used
├── UnknownOffer (LookupError)
├── UnknownDecision (LookupError)
├── UnknownModel (LookupError)
├── NoReport (LookupError)             nothing was looked at yet that could be reported
├── UnknownSnapshot (LookupError)      no profile snapshot of that name, or not any more
├── BrokenSnapshot (ValueError)        a profile snapshot is half there, or not what was published
├── UnreadableModel (ValueError)       the files of a model are damaged, or of another version of MIA
├── RegistryUnavailable (ConnectionError)  the registry of models cannot be read
├── FeatureMismatch                    model and profiles disagree on the feature schema
├── GateRefused                        the gate kept a model from going live
├── RequestConflict                    a request id was used before for another request
├── WorkspaceBusy (BlockingIOError)    another process is writing to the workspace
├── NotEnoughMemory (MemoryError)      the work does not fit into what the settings allow
├── RunBusy (BlockingIOError)          another process is at the same work already
├── SpoolBusy (BlockingIOError)        what waits in a spool must reach the ledger first
├── LedgerUnavailable (ConnectionError)
│   └── SpoolFull                      and the local spool takes no more either
├── Overloaded (TimeoutError)          more waits for the ledger than can be answered in time; come again later
├── StaleDecision                      the subscriber got another decision or event since this one was taken
├── IssuerUnavailable (ConnectionError)  the keys of the issuer of tokens cannot be read
└── AccessDenied (PermissionError)
    ├── UnknownKey                     no key, or one that is not known or revoked
    │   ├── TokenRefused               a bearer token that proves nothing
    │   └── NotSignedIn                a page for people who signed in
    ├── MissingScope                   the key is known but may not do this
    ├── ForgedForm                     a form that did not come from our own page
    └── TooManyRequests                the key asked more often than it may
"""

from collections.abc import Sequence
from datetime import UTC, datetime


class MiaError(Exception):
    """Root of every error that MIA raises on purpose."""


class InvalidInput(MiaError, ValueError):
    """Input that breaks a rule.

    Names where it is: `file`, `row` (1-based data row) and `column` of a table, `option` of a command or `parameter`
    of a request, a query or a recipe, `path` within a nested file; and the `rule` that it breaks.
    """

    def __init__(
        self,
        rule: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        option: str | None = None,
        parameter: str | None = None,
        path: str | None = None,
    ) -> None:
        self.rule, self.file, self.row, self.column = rule, file, row, column
        self.option, self.parameter, self.path = option, parameter, path
        named = {"row": row, "column": column, "option": option, "parameter": parameter, "path": path}
        where = [file] if file is not None else []
        where += [f"{word} {name}" for word, name in named.items() if name is not None]
        super().__init__(f"{', '.join(where)}: {rule}" if where else rule)


class NotEnoughData(InvalidInput):
    """Well-formed input that holds too little for what was asked."""


class NoReport(MiaError, LookupError):
    """Nothing was looked at yet that could be reported."""


class InvalidSettings(MiaError, ValueError):
    """A setting cannot be used; the message names it and what it may be."""


class UnknownOffer(MiaError, LookupError):
    """No offer of this id in the catalogue."""

    def __init__(self, offer_id: str) -> None:
        self.offer_id = offer_id
        super().__init__(f"no offer {offer_id!r} in the catalogue")


class UnknownDecision(MiaError, LookupError):
    """No decision of this id in the ledger."""

    def __init__(self, decision_id: str) -> None:
        self.decision_id = decision_id
        super().__init__(f"no decision {decision_id!r} in the ledger")


class UnknownModel(MiaError, LookupError):
    """No model of this version, or no champion yet."""

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(
            "no model is champion yet: `mia train` makes a candidate, `mia promote VERSION` lets it go live"
            if version == "champion"
            else f"no model {version!r} in the registry"
        )


class UnknownSnapshot(MiaError, LookupError):
    """No profile snapshot of this name; `pruned` tells whether there was one."""

    def __init__(self, snapshot: str, *, pruned: bool = False) -> None:
        self.snapshot, self.pruned = snapshot, pruned
        super().__init__(
            f"profile snapshot {snapshot!r} was pruned: only the newest are kept, "
            "as many as `keep_snapshots` in [profiles] says"
            if pruned
            else f"no profile snapshot {snapshot!r}; `mia profile --as-of DATE` makes one"
        )


class BrokenSnapshot(MiaError, ValueError):
    """A profile snapshot that is half there, or not what was published; `reason` says what is wrong with it."""

    def __init__(self, snapshot: str, reason: str) -> None:
        self.snapshot, self.reason = snapshot, reason
        super().__init__(
            f"profile snapshot {snapshot!r} is damaged: {reason}; `mia profile --as-of DATE` makes another"
        )


class UnreadableModel(MiaError, ValueError):
    """The files of a model are damaged or incomplete, or were written by another version of MIA."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"the model in {folder} cannot be read: train again")


class RegistryUnavailable(MiaError, ConnectionError):
    """The registry of models cannot be read."""


class FeatureMismatch(MiaError):
    """A model was fitted on another feature schema than the one it is asked to score."""

    def __init__(self, expected: str, found: str) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"the model wants feature schema {expected}, the profiles carry {found}: train again")


class GateRefused(MiaError):
    """The gate kept a model from going live; `reasons` says why, one line a failed check.

    `champion` is the version that is live all the same: another one, or this one from an earlier verdict.
    """

    def __init__(self, version: str, reasons: Sequence[str], champion: str | None = None) -> None:
        self.version, self.reasons, self.champion = version, tuple(reasons), champion
        live = "" if champion is None else f"; model {champion} stays champion"
        super().__init__(f"model {version} is refused: {'; '.join(reasons)}{live}")


class RequestConflict(MiaError):
    """A request id came again with another content."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(f"request id {request_id!r} was already used for another request")


class WorkspaceBusy(MiaError, BlockingIOError):
    """Another process is writing to the same folder of the workspace."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(f"another process is writing to {folder}: run this again when that one is done")


class NotEnoughMemory(MiaError, MemoryError):
    """The work does not fit into the setting `memory_limit`; `outcome` says what came of it and what would help."""

    def __init__(self, outcome: str) -> None:
        super().__init__(f"this takes more memory than the setting memory_limit allows: {outcome}")


class RunBusy(MiaError, BlockingIOError):
    """Another process holds the lock: its `pid` and `started` (microseconds), None when it has not told yet."""

    def __init__(self, lock: str, pid: int | None, started: int | None) -> None:
        self.lock, self.pid, self.started = lock, pid, started
        who = "another process" if pid is None else f"process {pid}"
        since = (
            ""
            if started is None
            else f" since {datetime.fromtimestamp(started // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
        )
        super().__init__(f"{who} is at it{since} ({lock}): run this again when that one is done")


class SpoolBusy(MiaError, BlockingIOError):
    """Acknowledged events or decisions wait in a spool, where nobody looks through them."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        super().__init__(
            f"events or decisions wait in {folder} for the ledger: run this again when a serving process has handed "
            "them on"
        )


class LedgerUnavailable(MiaError, ConnectionError):
    """The ledger cannot be reached or cannot commit."""


class Overloaded(MiaError, TimeoutError):
    """More waits for the ledger than can be answered in time; `retry_after` is in seconds."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(f"the ledger writer is overloaded: {reason}")


class StaleDecision(MiaError):
    """A decision rests on less than the ledger holds of its subscriber by now, and must be taken anew."""

    def __init__(self, decision_id: str) -> None:
        self.decision_id = decision_id
        super().__init__(f"decision {decision_id!r} was overtaken by another decision or event of its subscriber")


class SpoolFull(LedgerUnavailable):
    """The local spool, which stands in for the ledger, holds as much as it may or cannot be written."""


class IssuerUnavailable(MiaError, ConnectionError):
    """The public keys that tokens are verified with cannot be read."""


class AccessDenied(MiaError, PermissionError):
    """Root of the refusals of the door."""


class UnknownKey(AccessDenied):
    """No API key came with the request, or one that is unknown or revoked."""


class MissingScope(AccessDenied):
    """The API key does not carry the scope that the call needs."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"this key lacks the scope {scope!r}")


class TokenRefused(UnknownKey):
    """A bearer token that was not issued for MIA, is over, or is no token; the message says which, never the token."""


class NotSignedIn(UnknownKey):
    """A page was asked for without a session, or with one that is over."""


class ForgedForm(AccessDenied):
    """A form was sent that did not come from a page of ours, or from one that is too old."""


class TooManyRequests(AccessDenied):
    """A key, or somebody without one, asked more often than it may; `retry_after` in seconds."""

    def __init__(self, who: str, retry_after: float) -> None:
        self.who, self.retry_after = who, retry_after
        super().__init__(f"{who} asks more often than it may; ask again in {retry_after:.1f} seconds")
