"""Rate limits: a bucket of tokens for each key, in this worker."""

from collections.abc import Callable, Mapping

from mia.errors import TooManyRequests
from mia.timeline import MICROSECONDS

MOST_BUCKETS = 10_000


class Bucket:
    """A bucket that holds `burst` tokens and is filled with `rate` of them a second; times in microseconds."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: int) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._at = burst, now

    def take(self, now: int) -> float:
        """Take a token; the seconds until there will be one, 0 when it was taken.

        >>> bucket = Bucket(rate=2.0, burst=1.0, now=0)
        >>> bucket.take(0), bucket.take(0), bucket.take(500_000)
        (0.0, 0.5, 0.0)
        """
        # A clock that was set back fills nothing, and takes nothing away.
        passed = max(now - self._at, 0)
        self._at = now
        self._level = min(self._burst, self._level + passed * self._rate / MICROSECONDS)
        if self._level >= 1.0:
            self._level -= 1.0
            return 0.0
        return (1.0 - self._level) / self._rate


class Rates:
    """The buckets of all callers; `usual` requests a second, `single` ones by name; 0 is no limit."""

    def __init__(self, usual: float, single: Mapping[str, float], burst: int, clock: Callable[[], int]) -> None:
        self._usual, self._single, self._burst, self._clock = usual, single, burst, clock
        self._buckets: dict[str, Bucket] = {}

    def spend(self, name: str) -> None:
        """Count a request of this caller; raises TooManyRequests."""
        rate = self._single.get(name, self._usual)
        if not rate:
            return
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._buckets.clear()
            bucket = self._buckets[name] = Bucket(rate, self._burst, now)
        wait = bucket.take(now)
        if wait:
            raise TooManyRequests(f"key {name!r}", wait)
