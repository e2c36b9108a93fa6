"""Lift for the page: measured beside it, so that no page waits for long."""

import asyncio
import logging
from dataclasses import dataclass

from mia.api.dashboard.choice import Choice
from mia.api.services import Services
from mia.errors import InvalidInput
from mia.uptake.lift.result import LiftReport

_LOG = logging.getLogger(__name__)
PATIENCE = 0.3
"""Seconds that a page waits for lift before it is shown without."""
KEPT = 32
FAILED = "lift could not be measured"

_Key = tuple[str, str | None, str | None, str]


@dataclass(frozen=True, slots=True)
class LiftFound:
    """A report, or why there is none, or neither while it is still being measured."""

    report: LiftReport | None = None
    trouble: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether it is still being measured and nothing older is there to be shown."""
        return self.report is None and not self.trouble


class Lifts:
    """Lift by what it was asked for, the newest of each kept; used by one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._done: dict[_Key, tuple[int, LiftFound]] = {}
        self._running: dict[_Key, asyncio.Task[LiftFound]] = {}

    async def show(self, choice: Choice, by: str, patience: float | None = PATIENCE) -> LiftFound:
        """The lift by now, an older one while it takes longer than that, or one that is pending; None waits."""
        key = (by, choice.start, choice.end, choice.baseline)
        position = await asyncio.to_thread(self._services.uptake.position)
        kept = self._done.get(key)
        if kept is not None and kept[0] == position:
            return kept[1]
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._measure(key, position))
            self._running[key] = task
        await asyncio.wait({task}, timeout=patience)
        if task.done():
            return task.result()
        return LiftFound() if kept is None else kept[1]

    async def _measure(self, key: _Key, position: int) -> LiftFound:
        try:
            found = LiftFound(await asyncio.to_thread(self._services.lift.report, *key))
        except InvalidInput as error:
            found = LiftFound(trouble=str(error))
        except Exception:
            # The page stands without lift; the next one that is asked for tries again.
            _LOG.exception("lift could not be measured")
            return LiftFound(trouble=FAILED)
        finally:
            del self._running[key]
        while len(self._done) >= KEPT:
            del self._done[next(iter(self._done))]
        self._done[key] = (position, found)
        return found
