"""One way to a committed decision, for every face of it."""

import asyncio
import logging
from functools import lru_cache

from mia.api.metrics import Metrics
from mia.api.services import Offers, Services
from mia.api.together import Together
from mia.domain.decision import Decision, DecisionRequest
from mia.logs import Exchange
from mia.services.decide import Traced

OLD_CATALOGUES = 8
_LOG = logging.getLogger(__name__)


class Deciding:
    """Takes decisions, commits them before they are answered, and finds old ones with the catalogue of then."""

    def __init__(self, services: Services, metrics: Metrics) -> None:
        self._services, self._metrics = services, metrics
        self._together = Together(services.decisions, services.writer)
        self._catalogue_of = lru_cache(maxsize=OLD_CATALOGUES)(services.catalogue)

    async def take(self, request: DecisionRequest, exchange: Exchange) -> tuple[Decision, Offers]:
        """The decision as the ledger holds it after the commit; the answer is never empty when it cannot."""
        decision, missed = await self._together.take(request, exchange)
        exchange.mark("commit")
        self._metrics.count_decision(decision)
        if missed is not None:
            _LOG.error("decision %s is answered but not stored", decision.decision_id, exc_info=missed)
            self._metrics.count_unstored()
        return decision, await self.catalogue_then(decision)

    async def find(self, decision_id: str) -> tuple[Decision, Offers]:
        """A stored decision; raises UnknownDecision."""
        decision = await asyncio.to_thread(self._services.decisions.trace, decision_id)
        return decision, await self.catalogue_then(decision)

    async def trace(self, decision_id: str) -> tuple[Traced, Offers]:
        """A stored decision with what became of the other offers; raises UnknownDecision."""
        found = await asyncio.to_thread(self._services.decisions.traced, decision_id)
        return found, await self.catalogue_then(found.decision)

    async def catalogue_then(self, decision: Decision) -> Offers:
        """The catalogue that was in force when a decision was taken."""
        current = self._services.decisions.catalogue
        if current.version == decision.versions.catalogue:
            return current
        return await asyncio.to_thread(self._catalogue_of, decision.versions.catalogue)
