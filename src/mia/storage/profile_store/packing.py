"""Rows of numbers as few bytes, exactly: most numbers of a profile are nothing, unknown, or a small count.

A number is kept by one of four kinds, two bits each: zero; one byte (a whole number of 1 to 255, or NaN as 0); a single
where that is exact; a double. A packed row is made of words of four bytes:

    usage keys (16 bit), response keys (16 bit) | kinds, 16 a word | singles | doubles | bytes, padded | tail

Rows may differ in length. Every NaN comes back as the same NaN; every other number comes back bit for bit.
"""

import struct
from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints, Singles

Words = NDArray[np.uint32]
Bytes = NDArray[np.uint8]

KINDS_A_WORD = 16
MOST_KEYS = 2**16 - 1
BYTE, SINGLE, DOUBLE = 1, 2, 3
HEAD, ONE_SINGLE, ONE_DOUBLE = struct.Struct("<HH"), struct.Struct("<f"), struct.Struct("<d")
BYTES, SINGLES, DOUBLES = np.dtype(np.uint8), np.dtype("<f4"), np.dtype("<f8")
FORMS = ((SINGLE, SINGLES), (DOUBLE, DOUBLES), (BYTE, BYTES))
OF_BYTE: Singles = np.arange(256, dtype=np.float32)
OF_BYTE[0] = np.nan
# The kinds of four numbers, one byte each, for every byte of kinds.
UNFOLDED: Words = ((np.arange(256)[:, None] >> np.arange(0, 8, 2)) & 3).astype(np.uint8).view("<u4").ravel()


@dataclass(frozen=True, slots=True)
class Layout:
    """How many numbers a row holds: `fixed` of them in every row, then so many for every usage and response key.

    Those are the features and the numbers of the attributes; then of every key its number and its measures.
    """

    fixed: int
    usage: int
    responses: int

    @classmethod
    def of(cls, names: Sized, attributes: Sized, usage: Sized, responses: Sized) -> "Layout":
        """The layout of rows with such columns."""
        return cls(len(names) + len(attributes), 1 + len(usage), 1 + len(responses))

    def blocks(self, usage: Ints, responses: Ints) -> Ints:
        """Words of kinds of rows with so many keys; a row has at least one."""
        numbers = self.fixed + usage * self.usage + responses * self.responses
        blocks: Ints = np.maximum(-(-numbers // KINDS_A_WORD), 1)
        return blocks


@dataclass(frozen=True, slots=True)
class Ragged:
    """Numbers of n rows, each row padded with zeros to a multiple of sixteen.

    `usage` and `responses` count the keys of each row; row i begins at `starts[i]` of `numbers`, which are singles
    where all of them fit.
    """

    usage: Ints
    responses: Ints
    starts: Ints
    numbers: Floats | Singles

    @classmethod
    def empty(cls, layout: Layout, usage: Ints, responses: Ints) -> "Ragged":
        """All zeros, to be filled in. Raises ValueError for a row of more keys than can be counted."""
        if max(usage.max(initial=0), responses.max(initial=0)) > MOST_KEYS:
            raise ValueError(f"a profile holds at most {MOST_KEYS:,} keys")
        sizes = layout.blocks(usage, responses) * KINDS_A_WORD
        return cls(usage, responses, _before(sizes), np.zeros(sizes.sum()))


def pack(rows: Ragged, tails: list[bytes] | None = None) -> tuple[Bytes, Ints]:
    """The packed rows one after the other, and where each begins and the last one ends (n + 1).

    `tails` are further bytes of each row, multiples of four long.
    """
    numbers = rows.numbers
    with np.errstate(invalid="ignore", over="ignore"):
        as_byte, as_single = numbers.astype(np.uint8), numbers.astype(np.float32)
    kinds = np.full(len(numbers), DOUBLE, np.uint8)
    kinds[as_single == numbers] = SINGLE
    kinds[np.isnan(numbers) | ((as_byte == numbers) & (as_byte > 0))] = BYTE
    as_byte[np.isnan(numbers)] = 0
    kinds[numbers.view(np.int64) == 0] = 0

    singles, doubles, small = (_count(kinds == kind, rows.starts) for kind in (SINGLE, DOUBLE, BYTE))
    blocks = np.diff(rows.starts, append=len(numbers)) // KINDS_A_WORD
    rest = np.zeros(len(blocks), np.int64) if tails is None else np.fromiter(map(len, tails), np.int64) // 4
    places = _Places.of(blocks, singles, doubles, small, rest)
    words = np.zeros(places.total, "<u4")
    words[places.begin] = rows.usage.astype(np.uint32) | rows.responses.astype(np.uint32) << np.uint32(16)
    folded = kinds[0::4] | kinds[1::4] << 2 | kinds[2::4] << 4 | kinds[3::4] << 6
    words[_spread(places.kinds, blocks)] = folded.view("<u4")
    words[_spread(places.singles, singles)] = as_single[kinds == SINGLE].view("<u4")
    words[_spread(places.doubles, 2 * doubles)] = numbers[kinds == DOUBLE].view("<u4")
    out = words.view(np.uint8)
    out[_spread(4 * places.small, small)] = as_byte[kinds == BYTE]
    if tails is not None:
        words[_spread(places.rest, rest)] = np.frombuffer(b"".join(tails), "<u4")
    return out, 4 * np.append(places.begin, places.total)


def unpack(layout: Layout, packed: bytes, lengths: Ints) -> tuple[Ragged, Ints, Ints]:
    """The rows of `packed`, each so many bytes long, and where their tails begin and end, in bytes."""
    words = np.frombuffer(packed, "<u4")
    begin = _before(lengths) // 4
    head = words[begin].astype(np.int64)
    usage, responses = head & MOST_KEYS, head >> 16
    blocks = layout.blocks(usage, responses)
    kinds = UNFOLDED.take(words.take(_spread(begin + 1, blocks)).view(BYTES)).view(BYTES)
    starts = _before(blocks) * KINDS_A_WORD
    found = [np.flatnonzero(kinds == kind) for kind in (SINGLE, DOUBLE, BYTE)]
    # Rows without a double fit into half the memory, exactly, and are read in less time.
    numbers = np.zeros(len(kinds), DOUBLES if len(found[1]) else SINGLES)
    bounds = np.append(starts, len(kinds))
    singles, doubles, small = (np.diff(np.searchsorted(places, bounds)) for places in found)
    places = _Places.of(blocks, singles, doubles, small, None, begin)
    numbers[found[0]] = words.take(_spread(places.singles, singles)).view(SINGLES)
    numbers[found[1]] = words.take(_spread(places.doubles, 2 * doubles)).view(DOUBLES)
    numbers[found[2]] = OF_BYTE.take(words.view(BYTES).take(_spread(4 * places.small, small)))
    return Ragged(usage, responses, starts, numbers), 4 * places.rest, 4 * begin + lengths


def unpack_one(layout: Layout, packed: bytes) -> tuple[int, int, Floats | Singles, int]:
    """Usage keys, response keys, the numbers (padded) and where the tail begins, of a single packed row."""
    usage, responses = HEAD.unpack_from(packed)
    numbers = layout.fixed + usage * layout.usage + responses * layout.responses
    blocks = max(-(-numbers // KINDS_A_WORD), 1)
    kinds = UNFOLDED.take(np.frombuffer(packed, BYTES, 4 * blocks, 4)).view(BYTES)
    flat, at = kinds.tobytes(), 4 + 4 * blocks
    out = np.zeros(len(kinds), DOUBLES if DOUBLE in flat else SINGLES)
    for kind, form in FORMS:
        count = flat.count(kind)
        if count:
            given = np.frombuffer(packed, form, count, at)
            out[(kinds == kind).nonzero()[0]] = OF_BYTE[given] if kind == BYTE else given
            at += form.itemsize * count
    return usage, responses, out, -(-at // 4) * 4


def unpack_at(layout: Layout, packed: bytes, places: Sequence[int]) -> list[float]:
    """The numbers of a single packed row at a few places, without the others."""
    usage, responses = HEAD.unpack_from(packed)
    numbers = layout.fixed + usage * layout.usage + responses * layout.responses
    blocks = max(-(-numbers // KINDS_A_WORD), 1)
    kinds = UNFOLDED.take(np.frombuffer(packed, BYTES, 4 * blocks, 4)).tobytes()
    at_singles = 4 + 4 * blocks
    at_doubles = at_singles + 4 * kinds.count(SINGLE)
    at_small = at_doubles + 8 * kinds.count(DOUBLE)
    found: list[float] = []
    for place in places:
        kind = kinds[place]
        before = kinds.count(kind, 0, place)
        if kind == SINGLE:
            found += ONE_SINGLE.unpack_from(packed, at_singles + 4 * before)
        elif kind == DOUBLE:
            found += ONE_DOUBLE.unpack_from(packed, at_doubles + 8 * before)
        else:
            found.append(float(packed[at_small + before] or np.nan) if kind == BYTE else 0.0)
    return found


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the parts of each row begin, in words."""

    begin: Ints
    kinds: Ints
    singles: Ints
    doubles: Ints
    small: Ints
    rest: Ints
    total: int

    @classmethod
    def of(
        cls, blocks: Ints, singles: Ints, doubles: Ints, small: Ints, rest: Ints | None, begin: Ints | None = None
    ) -> "_Places":
        padded = -(-small // 4)
        if begin is None:
            sizes = 1 + blocks + singles + 2 * doubles + padded + (0 if rest is None else rest)
            begin, total = _before(sizes), int(sizes.sum())
        else:
            total = 0
        at_singles = begin + 1 + blocks
        at_doubles = at_singles + singles
        at_small = at_doubles + 2 * doubles
        return cls(begin, begin + 1, at_singles, at_doubles, at_small, at_small + padded, total)


def _before(sizes: Ints) -> Ints:
    """Where parts of these sizes begin when they follow one another."""
    return np.cumsum(sizes) - sizes


def _count(flags: NDArray[np.bool_], starts: Ints) -> Ints:
    return np.add.reduceat(flags, starts, dtype=np.int64) if len(starts) else np.zeros(0, np.int64)


def _spread(begin: Ints, sizes: Ints) -> Ints:
    """Every place of parts that begin at `begin` and are so long.

    >>> _spread(np.asarray([10, 20]), np.asarray([2, 1])).tolist()
    [10, 11, 20]
    """
    return np.repeat(begin - _before(sizes), sizes) + np.arange(sizes.sum())
