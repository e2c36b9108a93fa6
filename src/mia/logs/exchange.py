"""One request and its answer, while they are under way: what log lines, metrics and traces of it share."""

from collections.abc import MutableMapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

_KEY = "mia.exchange"
_CURRENT: ContextVar["Exchange | None"] = ContextVar("exchange", default=None)


@dataclass(slots=True)
class Exchange:
    """A request under way. `caller` is the name of the key; `hidden` holds what the client sent that no log may tell:
    an id, or parsed JSON in which ids are found by name, so that nothing is looked for unless something is told.
    `stages` are (name, seconds) in order; `began` is a reading of `perf_counter`.
    """

    request_id: str
    caller: str = ""
    hidden: Any = None
    began: float = field(default_factory=perf_counter)
    stages: list[tuple[str, float]] = field(default_factory=list)
    _marked: float = 0.0

    def mark(self, stage: str) -> None:
        """The stage that ends now began where the one before ended, the first with the request.

        >>> exchange = Exchange("r1")
        >>> exchange.mark("read")
        >>> [name for name, seconds in exchange.stages if seconds >= 0]
        ['read']
        """
        now = perf_counter()
        self.stages.append((stage, now - (self._marked or self.began)))
        self._marked = now

    def mark_shared(self, stage: str, share: float, before: str) -> None:
        """The stage that ends now was done for several requests at once: its `share` of the seconds is told apart from
        the time `before` it, which is the rest since the stage before.

        >>> exchange = Exchange("r1")
        >>> exchange.mark_shared("decide", 0.0, "wait")
        >>> [name for name, _ in exchange.stages]
        ['wait', 'decide']
        """
        self.mark(before)
        passed = self.stages.pop()[1]
        share = min(share, passed)
        self.stages += [(before, passed - share), (stage, share)]


def set_exchange(exchange: Exchange, scope: MutableMapping[str, Any]) -> Token["Exchange | None"]:
    """Make it the exchange of an ASGI scope, and of whatever runs for it from here on."""
    scope[_KEY] = exchange
    return _CURRENT.set(exchange)


def exchange_of(scope: MutableMapping[str, Any]) -> Exchange:
    """The exchange of an ASGI scope; one that nobody looks at where there is none."""
    found = scope.get(_KEY)
    return found if isinstance(found, Exchange) else Exchange("")


def current_exchange() -> Exchange | None:
    """The exchange that the present code runs for, None outside of any."""
    return _CURRENT.get()
