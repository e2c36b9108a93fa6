"""All live keys at hand, so that no request asks the database, and none falls when it is away."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from hashlib import sha256

from mia.api.access.rates import Bucket
from mia.errors import LedgerUnavailable
from mia.ports import ApiKey, Keys
from mia.timeline import MICROSECONDS

FRESH_FOR = 5 * MICROSECONDS
"""How long a look at the database counts: so long a revoked key may still pass."""
PATIENCE_SECONDS, FIRST_PATIENCE_SECONDS = 1.0, 20.0
LOOKS_A_SECOND, LOOKS_AT_ONCE = 2.0, 20.0
_LOG = logging.getLogger(__name__)


class KeyRing:
    """Live keys by the digest of their secret. While the database is away, those it gave last stay in force.

    A secret that is not known makes it look again, so that a new key passes at once; how often it does is bounded,
    whoever guesses.
    """

    def __init__(self, keys: Keys, clock: Callable[[], int]) -> None:
        self._keys, self._clock = keys, clock
        self._found: Mapping[str, ApiKey] | None = None
        self._looked = 0
        self._look: asyncio.Task[None] | None = None
        self._strangers = Bucket(LOOKS_A_SECOND, LOOKS_AT_ONCE, clock())

    async def find(self, secret: str) -> ApiKey | None:
        """The live key of a secret; raises LedgerUnavailable when keys could never be read."""
        return await self.find_digest(self.digest_of(secret))

    @staticmethod
    def digest_of(secret: str) -> str:
        """SHA-256 of a secret in hexadecimal, as the keys are kept by."""
        return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

    async def find_digest(self, digest: str) -> ApiKey | None:
        """The same by digest."""
        found = self._found
        if found is None or self._clock() - self._looked >= FRESH_FOR:
            found = await self._fresh(wait=False)
        if digest not in found and not self._strangers.take(self._clock()):
            found = await self._fresh(wait=True)
        key = found.get(digest)
        return key if key is not None and key.is_live(self._clock()) else None

    async def _fresh(self, *, wait: bool) -> Mapping[str, ApiKey]:
        """Look at the database; one look serves all who ask. Who finds it under way waits for it only with `wait`, and
        nobody longer than a moment, unless nothing was ever read.
        """
        under_way = self._look is not None and not self._look.done()
        if self._look is None or not under_way:
            self._look = asyncio.create_task(self._read())
        if self._found is None:
            await asyncio.wait({self._look}, timeout=FIRST_PATIENCE_SECONDS)
        elif wait or not under_way:
            await asyncio.wait({self._look}, timeout=PATIENCE_SECONDS)
        if self._found is None:
            raise LedgerUnavailable("the keys cannot be read")
        return self._found

    async def _read(self) -> None:
        try:
            self._found = await asyncio.to_thread(self._keys.live)
        except LedgerUnavailable:
            _LOG.exception("the keys cannot be read; those read last stay in force")
        self._looked = self._clock()
