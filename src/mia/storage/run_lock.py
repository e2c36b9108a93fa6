"""A lock that only one process of a workspace holds, and that tells the others who does."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from mia.errors import RunBusy


@contextmanager
def run_lock(path: Path, now: int) -> Iterator[None]:
    """Hold the lock of this file for as long as the context lasts; `now` in microseconds.

    The system lets go of it when the process ends, however it ends, so what a dead one wrote into the file binds
    nobody. Raises RunBusy with the process and the start of the one that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunBusy(path.name, *_holder(path)) from error
        os.ftruncate(handle, 0)
        os.write(handle, orjson.dumps({"pid": os.getpid(), "started": now}))
        os.fsync(handle)
        yield
    finally:
        os.close(handle)


def _holder(path: Path) -> tuple[int | None, int | None]:
    """Process and start as the holder wrote them; it may not have come to that yet."""
    try:
        told = orjson.loads(path.read_bytes())
        return int(told["pid"]), int(told["started"])
    except (ValueError, KeyError, TypeError):
        return None, None
