"""The columns a ranker was fitted on, and the matrix made of them: numbers as they are, categories as learnt rates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.errors import FeatureMismatch
from mia.frames import Floats, Ints, Objects, Profiles, Singles
from mia.ranking.affinity import Affinity
from mia.ranking.lines import FOLDS, Sides
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import AXIS, Pairs
from mia.ranking.person import PersonColumns
from mia.tables import CHANNEL, PERSONALISATION, POSITION, TIMEZONE

SMOOTHING = 50.0
AFFINITY = "affinity"
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
    """Names of the columns by origin, in the order of the matrix, with the encodings of the categorical ones."""

    fingerprint: str
    profile: tuple[str, ...]
    attributes: tuple[str, ...]
    offer: tuple[str, ...]
    pair: tuple[str, ...]
    coded_attributes: Mapping[str, Encoding]
    coded_offer: Mapping[str, Encoding]
    channel: Encoding
    person: PersonColumns | None = None
    affinity: Affinity | None = None

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, fingerprint: str) -> Self:
        """Which columns there are and how categories are encoded, from training pairs and their labels (0 or 1).

        An attribute that nobody has a value of is left out.
        """
        given = {
            name: values
            for name, values in pairs.profiles.attributes.items()
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
            Encoding.fit(pairs.context.channel, labels),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns in order."""
        by_row = (*self.profile, *self.attributes, *self.coded_attributes)
        return (*by_row, *self.offer, *self.coded_offer, *self.pair, *self.learnt, CHANNEL, POSITION)

    @property
    def learnt(self) -> tuple[str, ...]:
        """The column that lines for each offer make of the others, where they were fitted."""
        return () if self.affinity is None else (AFFINITY,)

    @property
    def places(self) -> dict[str, int]:
        """Matrix columns of the profile and pair features; attributes may bear the same names."""
        before_pair = len(self.names) - len(self.pair) - len((*self.learnt, CHANNEL, POSITION))
        by_row = {name: place for place, name in enumerate(self.profile)}
        return by_row | {name: before_pair + place for place, name in enumerate(self.pair)}

    def with_affinity(self, pairs: Pairs, labels: Floats) -> tuple["FeatureSchema", Singles]:
        """The schema with lines for each offer, and the log odds of the same pairs by lines that did not see their
        subscribers: what `training_matrix` wants.
        """
        levels = {name: tuple(coding.rates) for name, coding in self.coded_attributes.items()}
        schema = replace(self, person=PersonColumns.fit(pairs.profiles, self.attributes, levels))
        _, number = np.unique(pairs.profiles.subscriber_ids.astype(str), return_inverse=True)
        affinity, unseen = Affinity.fit(schema.sides(pairs), labels, pairs.offers, number[pairs.rows] % FOLDS)
        return replace(schema, affinity=affinity), unseen

    def matrix(self, pairs: Pairs) -> Singles:
        """R x columns in single precision; what the pairs do not have of attributes and of the offers is NaN or the
        overall rate.

        Raises FeatureMismatch when a profile or pair feature is missing.
        """
        return self.join(pairs, self.offer_side(pairs.offers))

    def training_matrix(self, pairs: Pairs, labels: Floats, unseen: Singles | None = None) -> Singles:
        """The matrix to fit on, from pairs in order of time: a category is known by the pairs before it alone.

        Otherwise the rate of a rare category would tell the label of its own row, and the fit would trust it; `unseen`
        does the same for the affinity.
        """
        matrix = self._joined(pairs, self.offer_side(pairs.offers), unseen)
        people, offers = pairs.profiles.attributes, pairs.offers.categorical
        at_attributes = len(self.profile) + len(self.attributes)
        at_offer = at_attributes + len(self.coded_attributes) + len(self.offer)
        for place, name in enumerate(self.coded_attributes, at_attributes):
            matrix[:, place] = rates_before(people[name][pairs.rows], labels)
        for place, name in enumerate(self.coded_offer, at_offer):
            matrix[:, place] = rates_before(offers[name][pairs.cols], labels)
        matrix[:, -len((CHANNEL, POSITION))] = rates_before(pairs.context.channel, labels)
        return matrix

    def offer_side(self, offers: OfferTable) -> Floats:
        """The columns that depend on the offer alone, m x columns: they last as long as the catalogue."""
        places = {name: place for place, name in enumerate(offers.names)}
        numbers = [
            offers.numeric[:, places[name]] if name in places else np.full(len(offers), np.nan) for name in self.offer
        ]
        return _columns(len(offers), [*numbers, *_encoded(self.coded_offer, offers.categorical, len(offers))])

    def join(self, pairs: Pairs, offer_side: Floats) -> Singles:
        """The matrix of the pairs, given the columns of their offers."""
        return self._joined(pairs, offer_side, None)

    def _joined(self, pairs: Pairs, offer_side: Floats, unseen: Singles | None) -> Singles:
        """Written piece by piece into one array, which is the only large one."""
        parts: list[tuple[NDArray[Any], Ints | None]] = [
            (_chosen(self.profile, pairs.profiles.names, pairs.profiles.numeric, self.fingerprint), pairs.rows),
            (self._attribute_side(pairs.profiles), pairs.rows),
            (offer_side, pairs.cols),
            (_chosen(self.pair, *_with_axes(self.pair, pairs), self.fingerprint), None),
        ]
        if self.affinity is not None:
            log_odds = self.affinity.score(self.sides(pairs), pairs.offers) if unseen is None else unseen
            parts.append((log_odds[:, None], None))
        parts += [(self.channel.encode(pairs.context.channel)[:, None], None), (pairs.context.position[:, None], None)]
        matrix = np.empty((len(pairs), sum(values.shape[1] for values, _ in parts)), np.float32)
        end = 0
        for values, index in parts:
            matrix[:, end : end + values.shape[1]] = values if index is None else values[index]
            end += values.shape[1]
        return matrix

    def sides(self, pairs: Pairs) -> Sides:
        """What the lines of the affinity look at; FeatureMismatch for a schema that has none."""
        if self.person is None:
            raise FeatureMismatch(self.fingerprint, "no affinity")
        profiles = pairs.profiles
        numeric = _chosen(self.profile, profiles.names, profiles.numeric, self.fingerprint)
        features = _chosen(self.pair, *_with_axes(self.pair, pairs), self.fingerprint)
        both = np.empty((len(pairs), features.shape[1] + 1), np.float32)
        both[:, :-1], both[:, -1] = features, pairs.context.position
        return Sides(self.person.build(profiles, numeric), pairs.rows, both, pairs.cols)

    def _attribute_side(self, profiles: Profiles) -> Floats:
        given, rows = profiles.attributes, len(profiles)
        numbers = [_numbers(given, name, rows) for name in self.attributes]
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
            "person": None if self.person is None else self.person.to_json(),
            "affinity": None if self.affinity is None else self.affinity.to_json(),
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
            None if data["person"] is None else PersonColumns.from_json(data["person"]),
            None if data["affinity"] is None else Affinity.from_json(data["affinity"]),
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


def _numbers(given: Mapping[str, Objects], name: str, rows: int) -> Floats:
    return given[name].astype(float) if name in given else np.full(rows, np.nan)


def _encoding_json(encoding: Encoding) -> dict[str, Any]:
    return {"rates": dict(encoding.rates), "other": encoding.other}


def _encoded(codings: Mapping[str, Encoding], given: Mapping[str, Objects], rows: int) -> list[Floats]:
    return [
        coding.encode(given[name]) if name in given else np.full(rows, coding.other) for name, coding in codings.items()
    ]


def _columns(rows: int, columns: list[Floats]) -> Floats:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _with_axes(wanted: tuple[str, ...], pairs: Pairs) -> tuple[tuple[str, ...], Singles]:
    """Names and values of the pair features; an axis of tags that the catalogue has no more is NaN."""
    gone = tuple(name for name in wanted if name.startswith(AXIS) and name not in pairs.names)
    if not gone:
        return pairs.names, pairs.features
    return (*pairs.names, *gone), np.hstack([pairs.features, np.full((len(pairs), len(gone)), np.nan, np.float32)])


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
