"""One line for every request, written many at once, so that a request pays for little more than remembering itself."""

import asyncio
import logging
from time import time
from typing import Any

from mia.logs import Exchange
from mia.logs.lines import LINES

FLUSH_SECONDS = 0.2
MOST_WAITING = 500
_LOG = logging.getLogger("mia.access")


class AccessLog:
    """Keeps lines for at most a fifth of a second; used by the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []
        self._due: asyncio.TimerHandle | None = None

    def note(self, exchange: Exchange, method: str, route: str, status: int, seconds: float, client: str) -> None:
        """Remember one request that was answered. Routes are patterns: addresses may name somebody."""
        if not _LOG.isEnabledFor(logging.INFO):
            return
        self._waiting.append(
            {
                "time": time(),
                "request_id": exchange.request_id,
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1e3, 3),
                "key": exchange.caller,
                "client": client,
            }
        )
        if len(self._waiting) >= MOST_WAITING:
            self.flush()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            _LOG.info("%d requests were answered", len(waiting), extra={LINES: waiting})
