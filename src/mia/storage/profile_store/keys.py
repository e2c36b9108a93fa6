"""The LMDB keys of subscribers: their ids as bytes, so that the order of ids is the order of the store."""

from collections.abc import Sequence
from hashlib import sha256

LONGEST_KEY = 511
RESERVED, BEHIND = b"\x00", b"\x01"


def key_of(subscriber_id: str) -> bytes:
    r"""The key of a subscriber; ids that LMDB cannot take, or that look like a key of ours, go by their digest.

    >>> key_of("79001234567")
    b'79001234567'
    >>> len(key_of("")), key_of("")[:1]
    (33, b'\x00')
    """
    plain = plain_of(subscriber_id)
    return stand_in(plain) if is_unfit(plain) else plain


def keys_of(subscriber_ids: Sequence[str]) -> list[bytes]:
    """The keys of many subscribers."""
    plain = plains_of(subscriber_ids)
    if all_fit(plain):
        return plain
    return [stand_in(one) if is_unfit(one) else one for one in plain]


def plain_of(subscriber_id: str) -> bytes:
    """An id as bytes, whatever text it is."""
    return subscriber_id.encode(errors="surrogatepass")


def plains_of(subscriber_ids: Sequence[str]) -> list[bytes]:
    """Ids as bytes, whatever texts they are."""
    try:
        return list(map(str.encode, subscriber_ids))
    except UnicodeEncodeError:
        return [plain_of(one) for one in subscriber_ids]


def is_unfit(plain: bytes) -> bool:
    """Whether an id cannot be a key itself."""
    return not plain or len(plain) > LONGEST_KEY or plain.startswith(RESERVED)


def all_fit(plain: list[bytes]) -> bool:
    """Whether every id can be a key itself."""
    return not plain or (min(plain)[:1] > RESERVED and max(map(len, plain)) <= LONGEST_KEY)


def stand_in(plain: bytes) -> bytes:
    """The key of an id that cannot be one itself."""
    return RESERVED + sha256(plain).digest()
