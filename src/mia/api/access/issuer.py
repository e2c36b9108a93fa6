"""The public keys of the issuer of tokens: read beside the event loop, kept, and read again when they change."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from mia.api.access.rates import Bucket
from mia.errors import IssuerUnavailable
from mia.timeline import MICROSECONDS

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 1 << 20
LOOKS_A_SECOND, LOOKS_AT_ONCE = 0.1, 3.0
_LOG = logging.getLogger(__name__)


def read_jwks(source: str) -> bytes:
    """The JWKS document at a URL or in a file; raises OSError."""
    if urlsplit(source).scheme in ("http", "https"):
        request = Request(source, headers={"Accept": "application/json"})  # noqa: S310 - the settings let in http(s) only
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(MOST_BYTES))
    return Path(source.removeprefix("file://")).read_bytes()


class Issuer:
    """The keys of one issuer. `read` gives the document and may block; `every` in seconds, `clock` in microseconds.

    `generation` grows with each change of the keys.
    """

    def __init__(self, read: Callable[[], bytes], every: int, clock: Callable[[], int]) -> None:
        self._read_document, self._every, self._clock = read, every * MICROSECONDS, clock
        self._keys: KeySet | None = None
        self._document = b""
        self._looked = 0
        self._look: asyncio.Task[None] | None = None
        self._strangers = Bucket(LOOKS_A_SECOND, LOOKS_AT_ONCE, clock())
        self.generation = 0

    async def keys(self, key_id: str | None) -> KeySet:
        """The keys in force; an unknown `key_id` asks for new ones, as often as that is allowed.

        Only then anybody waits: keys that are merely old are asked for again meanwhile. Raises IssuerUnavailable.
        """
        old = self._clock() - self._looked >= self._every
        if self._keys is None:
            await self._renew()
        elif key_id is not None and key_id not in {key.kid for key in self._keys.keys}:
            if old or not self._strangers.take(self._clock()):
                await self._renew()
        elif old:
            self._begin()
        if self._keys is None:
            raise IssuerUnavailable("the public keys of the issuer of tokens cannot be read")
        return self._keys

    def _begin(self) -> "asyncio.Task[None]":
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._read())
        return self._look

    async def _renew(self) -> None:
        await asyncio.wait({self._begin()}, timeout=TIMEOUT_SECONDS)

    async def _read(self) -> None:
        try:
            document = await asyncio.to_thread(self._read_document)
            if document != self._document:
                self._keys, self._document = KeySet.import_key_set(orjson.loads(document)), document
                self.generation += 1
        except (OSError, ValueError, TypeError, KeyError, JoseError) as error:
            # Why, but not what was read: a document of keys is no text for a log.
            _LOG.error("the issuer's keys cannot be read: %s; those read last stay in force", type(error).__name__)
        self._looked = self._clock()
