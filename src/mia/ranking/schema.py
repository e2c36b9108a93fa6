"""The columns a ranker was fitted on, and the matrix made of them: numbers as they are, categories as learnt rates."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.errors import FeatureMismatch
from mia.frames import Floats, Ints, Objects, Profiles
from mia.ranking.forest import Block, join
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import AXIS, Context, Pairs
from mia.tables import CHANNEL, PERSONALISATION, PLACEMENT, POSITION, TIMEZONE

SMOOTHING = 50.0
NOT_FEATURES = frozenset({TIMEZONE, PERSONALISATION})


@dataclass(frozen=True, slots=True)
class Encoding:
    """A categorical column as numbers: each value's smoothed rate of connection in training, else the overall rate."""

    rates: Mapping[str, float]
    other: float

    @classmethod
    def fit(cls, values: Objects, labels: Floats) -> Self:
        """From one value and one label a row."""
        overall = float(labels.mean())
        codes, texts = _levels(values)
        shown, taken = np.bincount(codes), np.bincount(codes, weights=labels)
        rates = (taken + SMOOTHING * overall) / (shown + SMOOTHING)
        return cls(dict(zip(texts, rates.tolist(), strict=True)), overall)

    def encode(self, values: Iterable[Any]) -> Floats:
        """One number a value; a missing value is the empty text."""
        rates, other = self.rates, self.other
        return np.asarray([rates.get("" if value is None else value, other) for value in values], np.float64)


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """Names of the columns by origin, in the order of the matrix, with the encodings of the categorical ones.

    `placement` is None when no pair had one. `context` holds, for each number of the context, what stands for one that
    is missing: NaN where the fit saw missing ones, else the median, since trees would take a missing one for a zero.
    """

    fingerprint: str
    profile: tuple[str, ...]
    attributes: tuple[str, ...]
    offer: tuple[str, ...]
    pair: tuple[str, ...]
    coded_attributes: Mapping[str, Encoding]
    coded_offer: Mapping[str, Encoding]
    channel: Encoding
    placement: Encoding | None
    context: Mapping[str, float]

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, fingerprint: str) -> Self:
        """Which columns there are and how categories are encoded, from training pairs and their labels (0 or 1).

        An attribute, a placement or a number of the context that nobody has a value of is left out.
        """
        context = pairs.context
        given = {
            name: values
            for name, values in sorted(pairs.profiles.attributes.items())
            if name not in NOT_FEATURES and any(value is not None for value in values)
        }
        numeric = [name for name, values in given.items() if not any(isinstance(value, str) for value in values)]
        return cls(
            fingerprint,
            pairs.profiles.names,
            tuple(numeric),
            pairs.offers.names,
            pairs.names,
            {name: Encoding.fit(values[pairs.rows], labels) for name, values in given.items() if name not in numeric},
            {name: Encoding.fit(values[pairs.cols], labels) for name, values in pairs.offers.categorical.items()},
            Encoding.fit(context.channel, labels),
            None if context.placement is None else Encoding.fit(context.placement, labels),
            {name: _stand_in(values) for name, values in sorted(context.numbers.items()) if not np.isnan(values).all()},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns in order."""
        by_row = (*self.profile, *self.attributes, *self.coded_attributes)
        return (*by_row, *self.offer, *self.coded_offer, *self.pair, *self.shown)

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the columns that tell where and when the pair is shown: the last ones of the matrix."""
        return (*self.context, *(() if self.placement is None else (PLACEMENT,)), CHANNEL, POSITION)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names told apart: one that came before, as an attribute may, gets a number."""
        given: dict[str, None] = {}
        for name in self.names:
            others = (f"{name}_{number}" for number in range(2, len(self.names) + 2))
            given[next(fresh for fresh in (name, *others) if fresh not in given)] = None
        return tuple(given)

    @property
    def places(self) -> dict[str, int]:
        """Matrix columns of the profile and pair features; attributes may bear the same names."""
        before_pair = len(self.names) - len(self.pair) - len(self.shown)
        by_row = {name: place for place, name in enumerate(self.profile)}
        return by_row | {name: before_pair + place for place, name in enumerate(self.pair)}

    def matrix(self, pairs: Pairs) -> Floats:
        """R x columns; attributes and offer columns that the pairs do not have are NaN or the overall rate.

        Raises FeatureMismatch when a profile or pair feature is missing.
        """
        return self.join(pairs, self.offer_side(pairs.offers))

    def training_matrix(self, pairs: Pairs, labels: Floats) -> Floats:
        """The matrix to fit on, from pairs in order of time: a category is known by the pairs before it alone.

        Otherwise the rate of a rare category would tell the label of its own row, and the fit would trust it.
        """
        matrix = self.matrix(pairs)
        people, offers = pairs.profiles.attributes, pairs.offers.categorical
        at_attributes = len(self.profile) + len(self.attributes)
        at_offer = at_attributes + len(self.coded_attributes) + len(self.offer)
        for place, name in enumerate(self.coded_attributes, at_attributes):
            matrix[:, place] = rates_before(people[name][pairs.rows], labels)
        for place, name in enumerate(self.coded_offer, at_offer):
            matrix[:, place] = rates_before(offers[name][pairs.cols], labels)
        at_channel = -len((CHANNEL, POSITION))
        matrix[:, at_channel] = rates_before(pairs.context.channel, labels)
        if self.placement is not None and pairs.context.placement is not None:
            matrix[:, at_channel - 1] = rates_before(pairs.context.placement, labels)
        return matrix

    def offer_side(self, offers: OfferTable) -> Floats:
        """The columns that depend on the offer alone, m x columns: they last as long as the catalogue."""
        places = {name: place for place, name in enumerate(offers.names)}
        numbers = [
            offers.numeric[:, places[name]] if name in places else np.full(len(offers), np.nan) for name in self.offer
        ]
        return _columns(len(offers), [*numbers, *_encoded(self.coded_offer, offers.categorical, len(offers))])

    def join(self, pairs: Pairs, offer_side: Floats) -> Floats:
        """The matrix of the pairs, given the columns of their offers."""
        return join(len(pairs), self.blocks(pairs, offer_side))

    def blocks(self, pairs: Pairs, offer_side: Floats) -> list[Block]:
        """The matrix in pieces: what a subscriber's or an offer's pairs share is there but once."""
        shown, moment = self._context_side(pairs.context)
        parts: tuple[tuple[NDArray[Any], Ints | None], ...] = (
            (_chosen(self.profile, pairs.profiles.names, pairs.profiles.numeric, self.fingerprint), pairs.rows),
            (self._attribute_side(pairs.profiles), pairs.rows),
            (offer_side, pairs.cols),
            (_chosen(self.pair, *_with_axes(self.pair, pairs), self.fingerprint), None),
            (shown, moment),
        )
        ends = np.cumsum([values.shape[1] for values, _ in parts])
        return [
            Block(values, np.arange(end - values.shape[1], end), index, lasting=values is offer_side)
            for (values, index), end in zip(parts, ends.tolist(), strict=True)
        ]

    def _context_side(self, context: Context) -> tuple[Floats, Ints | None]:
        """The columns of `shown` and the row of each pair, where there are fewer rows than pairs."""
        pairs = len(context)
        if pairs and context.is_constant:
            return _columns(1, list(self._shown(context.take(np.zeros(1, np.int64))))), np.zeros(pairs, np.int64)
        return _columns(pairs, list(self._shown(context))), None

    def _shown(self, context: Context) -> Iterator[Floats]:
        for name, stand_in in self.context.items():
            values = context.numbers.get(name)
            yield np.full(len(context), stand_in) if values is None else np.where(np.isnan(values), stand_in, values)
        if self.placement is not None:
            yield self.placement.encode([None] * len(context) if context.placement is None else context.placement)
        yield self.channel.encode(context.channel)
        yield context.position

    def _attribute_side(self, profiles: Profiles) -> Floats:
        given, rows = profiles.attributes, len(profiles)
        numbers = [given[name].astype(float) if name in given else np.full(rows, np.nan) for name in self.attributes]
        return _columns(rows, [*numbers, *_encoded(self.coded_attributes, given, rows)])

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "fingerprint": self.fingerprint,
            "profile": list(self.profile),
            "attributes": list(self.attributes),
            "offer": list(self.offer),
            "pair": list(self.pair),
            "coded_attributes": {name: _encoding_json(encoding) for name, encoding in self.coded_attributes.items()},
            "coded_offer": {name: _encoding_json(encoding) for name, encoding in self.coded_offer.items()},
            "channel": _encoding_json(self.channel),
            "placement": None if self.placement is None else _encoding_json(self.placement),
            "context": dict(self.context),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            data["fingerprint"],
            tuple(data["profile"]),
            tuple(data["attributes"]),
            tuple(data["offer"]),
            tuple(data["pair"]),
            {name: Encoding(**given) for name, given in data["coded_attributes"].items()},
            {name: Encoding(**given) for name, given in data["coded_offer"].items()},
            Encoding(**data["channel"]),
            None if data["placement"] is None else Encoding(**data["placement"]),
            {name: np.nan if value is None else float(value) for name, value in data["context"].items()},
        )


def rates_before(values: Objects, labels: Floats) -> Floats:
    """For each row the smoothed rate of its value over the rows before it.

    Prokhorenkova, L. et al. (2018), CatBoost: ordered target statistics, here in the order of time.

    >>> values = np.asarray(["a", "b", "a"], object)
    >>> [round(rate, 4) for rate in rates_before(values, np.asarray([1.0, 0.0, 1.0])).tolist()]
    [0.6667, 0.6667, 0.6732]
    """
    codes, _ = _levels(values)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    before = np.concatenate([[0.0], np.cumsum(labels[order])])
    shown, taken = np.arange(len(order)) - starts, before[:-1] - before[starts]
    rates = np.empty(len(order))
    rates[order] = (taken + SMOOTHING * labels.mean()) / (shown + SMOOTHING)
    return rates


def _stand_in(values: Floats) -> float:
    return np.nan if np.isnan(values).any() else float(np.median(values))


def _encoding_json(encoding: Encoding) -> dict[str, Any]:
    return {"rates": dict(encoding.rates), "other": encoding.other}


def _encoded(codings: Mapping[str, Encoding], given: Mapping[str, Objects], rows: int) -> list[Floats]:
    return [
        coding.encode(given[name]) if name in given else np.full(rows, coding.other) for name, coding in codings.items()
    ]


def _columns(rows: int, columns: list[Floats]) -> Floats:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _with_axes(wanted: tuple[str, ...], pairs: Pairs) -> tuple[tuple[str, ...], Floats]:
    """Names and values of the pair features; an axis of tags that the catalogue has no more is NaN."""
    gone = tuple(name for name in wanted if name.startswith(AXIS) and name not in pairs.names)
    if not gone:
        return pairs.names, pairs.features
    return (*pairs.names, *gone), np.hstack([pairs.features, np.full((len(pairs), len(gone)), np.nan)])


def _chosen(wanted: tuple[str, ...], names: tuple[str, ...], values: NDArray[Any], fingerprint: str) -> NDArray[Any]:
    """The wanted columns of `values`, whose columns are `names`."""
    if wanted == names:
        return values
    missing = [name for name in wanted if name not in names]
    if missing:
        raise FeatureMismatch(fingerprint, f"no {', '.join(missing)}")
    return values[:, [names.index(name) for name in wanted]]


def _levels(values: Objects) -> tuple[Ints, list[str]]:
    """Codes and texts of a categorical column; a missing value is the empty text."""
    encoded = pa.array(values, pa.string()).fill_null("").dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()
