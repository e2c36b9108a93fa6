"""Charts that were drawn before, kept until an event arrives."""

from collections.abc import Callable, Hashable
from threading import Lock

KEPT = 64


class Gallery:
    """Keeps drawings for as long as the ledger stands at the same position; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._position = -1
        self._drawn: dict[Hashable, str] = {}

    def show(self, position: int, name: Hashable, draw: Callable[[], str]) -> str:
        """The drawing of this name at a ledger position, drawn now unless it is kept."""
        with self._lock:
            if position != self._position or len(self._drawn) >= KEPT:
                self._position, self._drawn = position, {}
            elif name in self._drawn:
                return self._drawn[name]
        drawn = draw()
        with self._lock:
            if position == self._position:
                self._drawn[name] = drawn
        return drawn
