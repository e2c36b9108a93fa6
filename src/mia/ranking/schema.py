"""The columns a ranker was fitted on, and the matrix made of them: numbers as they are, categories as learnt rates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.errors import FeatureMismatch
from mia.frames import Floats, Ints, Matrix, Objects, Profiles, Singles
from mia.ranking.affinity import Affinity, spread
from mia.ranking.encoding import Encoding, encoding_json, rates_before
from mia.ranking.forest import Block, join
from mia.ranking.lines import FOLDS, Sides
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import AXIS, Context, Pairs
from mia.ranking.person import PersonColumns
from mia.tables import CHANNEL, CONSENT_CHANNELS, PERSONALISATION, PLACEMENT, POSITION, TIMEZONE

AFFINITY = "affinity"
NOT_FEATURES = frozenset({TIMEZONE, PERSONALISATION, CONSENT_CHANNELS})


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
    person: PersonColumns | None = None
    affinity: Affinity | None = None

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
        return (*by_row, *self.offer, *self.coded_offer, *self.pair, *self.learnt, *self.shown)

    @property
    def shown(self) -> tuple[str, ...]:
        """Names of the columns that tell where and when the pair is shown: the last ones of the matrix."""
        return (*self.context, *(() if self.placement is None else (PLACEMENT,)), CHANNEL, POSITION)

    @property
    def learnt(self) -> tuple[str, ...]:
        """The column that lines for each offer make of the others, where they were fitted."""
        return () if self.affinity is None else (AFFINITY,)

    @property
    def at_learnt(self) -> int:
        """Where the column of the lines is, or would be."""
        return len(self.names) - len(self.shown) - len(self.learnt)

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
        before_pair = len(self.names) - len(self.pair) - len(self.learnt) - len(self.shown)
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

    def matrix(self, pairs: Pairs) -> Matrix:
        """R x columns; attributes and offer columns that the pairs do not have are NaN or the overall rate.

        Raises FeatureMismatch when a profile or pair feature is missing.
        """
        return self.join(pairs, self.offer_side(pairs.offers))

    def training_matrix(self, pairs: Pairs, labels: Floats, unseen: Singles | None = None) -> Matrix:
        """The matrix to fit on, from pairs in order of time: a category is known by the pairs before it alone.

        Otherwise the rate of a rare category would tell the label of its own row, and the fit would trust it; `unseen`
        does the same for the affinity.
        """
        matrix = join(len(pairs), self._blocks(pairs, self.offer_side(pairs.offers), unseen))
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

    def offer_side(self, offers: OfferTable) -> Singles:
        """The columns that depend on the offer alone, m x columns: they last as long as the catalogue."""
        places = {name: place for place, name in enumerate(offers.names)}
        numbers = [
            offers.numeric[:, places[name]] if name in places else np.full(len(offers), np.nan) for name in self.offer
        ]
        return _columns(len(offers), [*numbers, *_encoded(self.coded_offer, offers.categorical, len(offers))])

    def join(self, pairs: Pairs, offer_side: Singles) -> Matrix:
        """The matrix of the pairs, given the columns of their offers."""
        return join(len(pairs), self.blocks(pairs, offer_side))

    def blocks(self, pairs: Pairs, offer_side: Singles, terms: Singles | None = None) -> list[Block]:
        """The matrix in pieces: what a subscriber's or an offer's pairs share is there but once. The `terms` of the
        affinity need not be given.
        """
        # The sum along a row has the same bits as one among others: see `log_odds`.
        return self._blocks(pairs, offer_side, None if terms is None else terms.sum(axis=1))

    def _blocks(self, pairs: Pairs, offer_side: Singles, unseen: Singles | None) -> list[Block]:
        if unseen is None and self.affinity is not None:
            unseen = self.affinity.score(self.sides(pairs), pairs.offers)
        shown, moment = self._context_side(pairs.context)
        parts: tuple[tuple[NDArray[Any], Ints | None], ...] = (
            (_chosen(self.profile, pairs.profiles.names, pairs.profiles.numeric, self.fingerprint), pairs.rows),
            (self._attribute_side(pairs.profiles), pairs.rows),
            (offer_side, pairs.cols),
            (_chosen(self.pair, *_with_axes(self.pair, pairs), self.fingerprint), None),
            (np.zeros((len(pairs), 0), np.float32) if unseen is None else unseen[:, None], None),
            (shown, moment),
        )
        ends = np.cumsum([values.shape[1] for values, _ in parts])
        return [
            Block(values, np.arange(end - values.shape[1], end), index, lasting=values is offer_side)
            for (values, index), end in zip(parts, ends.tolist(), strict=True)
        ]

    def terms(self, pairs: Pairs) -> Singles | None:
        """What each column of the affinity adds to its log odds (R x f), None in a schema that has none."""
        return None if self.affinity is None else self.affinity.terms(self.sides(pairs), pairs.offers)

    def spread(self, terms: Singles | None, contributions: Floats) -> Floats:
        """Contributions R x columns, in which that of the affinity goes to the columns that its lines read."""
        if terms is None:
            return contributions
        return spread(terms, contributions, self.at_learnt, len(self.profile), len(self.pair))

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

    def _context_side(self, context: Context) -> tuple[Singles, Ints | None]:
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

    def _attribute_side(self, profiles: Profiles) -> Singles:
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
            "coded_attributes": {name: encoding_json(encoding) for name, encoding in self.coded_attributes.items()},
            "coded_offer": {name: encoding_json(encoding) for name, encoding in self.coded_offer.items()},
            "channel": encoding_json(self.channel),
            "placement": None if self.placement is None else encoding_json(self.placement),
            "context": dict(self.context),
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
            None if data["placement"] is None else Encoding(**data["placement"]),
            {name: np.nan if value is None else float(value) for name, value in data["context"].items()},
            None if data["person"] is None else PersonColumns.from_json(data["person"]),
            None if data["affinity"] is None else Affinity.from_json(data["affinity"]),
        )


def _stand_in(values: Floats) -> float:
    return np.nan if np.isnan(values).any() else float(np.median(values))


def _encoded(codings: Mapping[str, Encoding], given: Mapping[str, Objects], rows: int) -> list[Floats]:
    return [
        coding.encode(given[name]) if name in given else np.full(rows, coding.other) for name, coding in codings.items()
    ]


def _columns(rows: int, columns: list[Floats]) -> Singles:
    return np.column_stack(columns).astype(np.float32) if columns else np.zeros((rows, 0), np.float32)


@lru_cache(maxsize=8)
def _on_axes(wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name.startswith(AXIS))


def _with_axes(wanted: tuple[str, ...], pairs: Pairs) -> tuple[tuple[str, ...], Singles]:
    """Names and values of the pair features; an axis of tags that the catalogue has no more is NaN."""
    gone = tuple(name for name in _on_axes(wanted) if name not in pairs.names)
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
