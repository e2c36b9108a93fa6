"""A time budget for calls that must not keep a request waiting: a model that is slow, a database that is gone."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Protocol, TypeVar

T = TypeVar("T")


class Within(Protocol):
    """Runs a call, or raises TimeoutError."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """What the call returns or raises."""


TRUSTED_AFTER = 100


class Budget:
    """Runs calls, for which the caller waits at most so many seconds, in a thread of its own.

    While a call that was given up still runs, further ones are refused at once: nobody waits in line for what hangs.
    With `trusting` a call that has always been quick runs where it is, which saves two switches between threads; the
    first that turns out slow is late itself, and makes the next ones run apart until TRUSTED_AFTER were quick again.
    """

    def __init__(self, seconds: float, *, trusting: bool = False) -> None:
        self.seconds, self._trusting = seconds, trusting
        self._quick = TRUSTED_AFTER
        self._calls: SimpleQueue[tuple[Callable[[], object], SimpleQueue[tuple[object, Exception | None]]]] = (
            SimpleQueue()
        )
        self._late: SimpleQueue[tuple[object, Exception | None]] | None = None
        self._only = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, call: Callable[[], T]) -> T:
        """What the call returns or raises; TimeoutError when it takes longer, or an earlier one still does."""
        if self._trusting and self._quick >= TRUSTED_AFTER:
            begun = monotonic()
            found = call()
            if monotonic() - begun > self.seconds:
                self._quick = 0
                raise TimeoutError(f"done, but not within {self.seconds * 1e3:g} ms")
            return found
        with self._only:
            return self._run_apart(call)

    def _run_apart(self, call: Callable[[], T]) -> T:
        if self._late is not None:
            if self._late.empty():
                raise TimeoutError("an earlier call is not done yet")
            self._late = None
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="budget", daemon=True)
            self._thread.start()
        answers: SimpleQueue[tuple[object, Exception | None]] = SimpleQueue()
        self._calls.put((call, answers))
        try:
            found, error = answers.get(timeout=self.seconds)
        except Empty:
            self._late, self._quick = answers, 0
            raise TimeoutError(f"not done within {self.seconds * 1e3:g} ms") from None
        self._quick += 1
        if error is not None:
            raise error
        return found  # type: ignore[return-value]

    def _serve(self) -> None:
        while True:
            call, answers = self._calls.get()
            try:
                answers.put((call(), None))
            except Exception as error:
                # Whatever it was belongs to the caller.
                answers.put((None, error))


def at_once(call: Callable[[], T]) -> T:
    """The call itself, however long it takes: for replay and rehearsals, where nobody waits."""
    return call()
