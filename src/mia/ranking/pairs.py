"""Pair features: one subscriber on one day against one offer. Training and serving run this same code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints, Objects, Profiles, Singles, SparseBlock, places_of
from mia.ranking.history import OfferRates
from mia.ranking.offer_table import KeyMatrix, OfferTable
from mia.tables import CATEGORY, DISCOUNT, ITEM, REGION

SUBSCRIBER_STRENGTH = 20.0
MOST_DOUBLINGS = 3.0
"""An offer eight times too large or too small is as unfit as any."""
VOLUME = "data_mb_{}_30d"
"""Profile column of the data of one category."""
HOUR, WEEKDAY = "hour", "weekday"
GIVEN = "context_"
"""Beginning of the numbers that came with a request."""
LARGEST = 1e300
AXIS = "axis_"
"""Beginning of the features of an axis of tags, which a catalogue has or has not."""
NEEDS = (
    ("data", "data_mb_30d", "tariff_data_mb", "offer_data_mb"),
    ("voice", "voice_out_minutes_30d", "tariff_voice_minutes", "offer_voice_minutes"),
    ("sms", "sms_count_30d", "tariff_sms", "offer_sms_count"),
)


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when R pairs are shown: one value a pair, `position` from 1.

    `numbers` are the local `hour` (0 to 23) and `weekday` (0 is Monday) and, as `context_NAME`, the numbers that came
    with the request, such as fresh balances; NaN where unknown. `slate` numbers the request that a pair was shown in.
    None, or a number that is not there, is unknown of all pairs.
    """

    channel: Objects
    position: Floats
    placement: Objects | None = None
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    slate: Ints | None = None

    def __len__(self) -> int:
        return len(self.channel)

    @classmethod
    def constant(
        cls, pairs: int, channel: str | None, placement: str | None = None, numbers: Mapping[str, float] | None = None
    ) -> Self:
        """The same for all pairs, at position 1 as always at inference; kept but once."""

        def spread(value: Any, kind: type) -> NDArray[Any]:  # noqa: ANN401 - a text or a number
            return np.broadcast_to(np.asarray(value, kind), pairs)

        return cls(
            spread(channel, object),
            spread(1.0, float),
            None if placement is None else spread(placement, object),
            {name: spread(value, float) for name, value in (numbers or {}).items()},
        )

    @property
    def is_constant(self) -> bool:
        """Whether it was made the same for all pairs."""
        columns = (self.channel, self.position, self.placement, *self.numbers.values())
        return all(column is None or column.strides == (0,) for column in columns)

    def take(self, which: Ints) -> "Context":
        """The context of the given pairs, in their order."""
        return Context(
            self.channel[which],
            self.position[which],
            None if self.placement is None else self.placement[which],
            {name: values[which] for name, values in self.numbers.items()},
            None if self.slate is None else self.slate[which],
        )


def numbers_of(moment: datetime, given: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one request's context: of its local moment, and those among what came with it.

    >>> numbers_of(datetime(2021, 3, 1, 15, 30), {"balance": 12, "page": "home", "new": True})
    {'hour': 15.0, 'weekday': 0.0, 'context_balance': 12.0}
    """
    numbers = {HOUR: float(moment.hour), WEEKDAY: float(moment.weekday())}
    for name, value in given.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
            numbers[f"{GIVEN}{name}"] = float(value)
    return numbers


@dataclass(frozen=True, slots=True)
class Pairs:
    """R pairs: `rows` point into the profiles, `cols` into the offers; `features` is R x s in the order of `names`, in
    single precision both in training and in serving.
    """

    profiles: Profiles
    offers: OfferTable
    rows: Ints
    cols: Ints
    context: Context
    names: tuple[str, ...]
    features: Singles

    def __len__(self) -> int:
        return len(self.rows)

    def feature(self, name: str) -> Floats:
        """One pair feature (R)."""
        return self.features[:, places_of(self.names)[name]].astype(float)

    def cell(self, row: int, name: str) -> float:
        """One feature of one pair."""
        return float(self.features[row, places_of(self.names)[name]])

    def take(self, which: Ints) -> "Pairs":
        """The given pairs, in their order."""
        context = self.context.take(which)
        return Pairs(
            self.profiles, self.offers, self.rows[which], self.cols[which], context, self.names, self.features[which]
        )

    def at_first_position(self) -> "Pairs":
        """The same pairs as inference sees them: position held at 1."""
        context = replace(self.context, position=np.ones(len(self)))
        return Pairs(self.profiles, self.offers, self.rows, self.cols, context, self.names, self.features)


def build_pairs(
    profiles: Profiles, offers: OfferTable, rates: OfferRates, rows: Ints, cols: Ints, context: Context
) -> Pairs:
    """Features of R (profile row, offer) pairs, R x s."""
    columns: dict[str, Floats] = {}
    used = _sums(profiles.usage, (CATEGORY, ITEM), ("fresh",))[rows, 0]
    sides = {"item": offers.items, "tag": offers.tags, **{f"{AXIS}{name}": keys for name, keys in offers.axes.items()}}
    found = _matched(offers.sides, profiles.usage, len(sides), rows, cols)
    for (side, keys), (sums, matched) in zip(sides.items(), found, strict=True):
        columns.update(_affinity(side, profiles.usage.measures, sums, matched, keys.sizes[cols], used))
    for side in list(sides)[1:]:
        name = "item_within_tag" if side == "tag" else f"{side}_item_share"
        columns[name] = columns["item_records_365d"] / (columns[f"{side}_records_365d"] + 1.0)
    columns.update(_discounts(profiles, rows))
    columns.update(_history(profiles, offers, rates, rows, cols))
    columns.update(_needs(profiles, offers, rows, cols))
    columns["tag_volume"] = _tag_volume(profiles, offers, rows, cols)
    features = np.empty((len(rows), len(columns)), np.float32)
    for place, name in enumerate(names := tuple(columns)):
        features[:, place] = columns.pop(name)
    return Pairs(profiles, offers, rows, cols, context, names, features)


def _matched(
    keys: KeyMatrix, block: SparseBlock, parts: int, rows: Ints, cols: Ints
) -> Iterator[tuple[Floats, Floats]]:
    """For each of the parts that lie one behind the other in `keys` what `KeyMatrix.match` says of the pairs."""
    offers, pairs = keys.matrix.shape[0] // parts, len(rows)
    every = np.concatenate([cols + offers * part for part in range(parts)])
    sums, matched = keys.match(block, np.tile(rows, parts), every)
    for part in range(parts):
        mine = slice(part * pairs, (part + 1) * pairs)
        yield sums[mine], matched[mine]


def _affinity(
    side: str, measures: tuple[str, ...], sums: Floats, matched: Floats, sizes: Floats, used: Floats
) -> dict[str, Floats]:
    """What the subscriber uses against the keys of the offer: sums, how many keys matched, and shares of each side.

    `sizes` are the numbers of keys of the offers, `used` is what the subscriber uses in all, one value a pair.
    """
    columns = {f"{side}_{name}": sums[:, place] for place, name in enumerate(measures)}
    columns[f"{side}_matched"] = matched
    columns[f"{side}_coverage"] = matched / np.maximum(sizes, 1.0)
    columns[f"{side}_share"] = _ratio(columns[f"{side}_fresh"], used)
    return columns


def _discounts(profiles: Profiles, rows: Ints) -> dict[str, Floats]:
    """How much the subscriber had at a discount, over a longer time than the features of the profile look back."""
    measures = ("records_365d", "days_365d", "fresh")
    sums = _sums(profiles.usage, (DISCOUNT,), measures)[rows]
    return {f"discount_{name}": sums[:, place] for place, name in enumerate(measures)}


def _sums(block: SparseBlock, axes: tuple[str, ...], measures: tuple[str, ...]) -> Floats:
    """Sums of measures over the keys on some axes, block rows x measures."""
    rows = len(block.indptr) - 1
    owner = np.repeat(np.arange(rows), np.diff(block.indptr))
    prefixes = tuple(f"{axis}:" for axis in axes)
    weights = np.asarray([key.startswith(prefixes) for key in block.vocabulary], float)[block.codes]
    return np.column_stack(
        [
            np.bincount(owner, weights=weights * block.values[:, block.measures.index(name)], minlength=rows)
            for name in measures
        ]
    ).astype(float)


def _history(profiles: Profiles, offers: OfferTable, rates: OfferRates, rows: Ints, cols: Ints) -> dict[str, Floats]:
    """How offers were answered before: by all, in the region, and by this subscriber."""
    day = rates.day_places(profiles.as_of)
    region = rates.region_places(profiles.attributes.get(REGION), len(profiles))
    block = profiles.responses
    (own, _), (similar, _) = _matched(offers.answered, block, 2, rows, cols)
    shown, taken, fresh = _sums(block, ("offer",), ("impressions", "connections", "fresh_connections")).T
    overall = rates.overall[day]
    subscriber_rate = (taken + SUBSCRIBER_STRENGTH * overall) / (shown + SUBSCRIBER_STRENGTH)
    category_rate = rates.category[day[rows], cols]
    return {
        "offer_rate": rates.offer[day[rows], cols],
        "offer_region_rate": rates.region[day[rows], region[rows], cols],
        "category_rate": category_rate,
        "offer_impressions": rates.impressions[day[rows], cols],
        "subscriber_rate": subscriber_rate[rows],
        "subscriber_impressions": shown[rows],
        "subscriber_connections": taken[rows],
        "subscriber_fresh_connections": fresh[rows],
        "subscriber_category_rate": (similar[:, 1] + SUBSCRIBER_STRENGTH * category_rate)
        / (similar[:, 0] + SUBSCRIBER_STRENGTH),
        **{f"prior_{name}": own[:, place] for place, name in enumerate(block.measures)},
        **{f"prior_category_{name}": similar[:, place] for place, name in enumerate(block.measures)},
    }


def _needs(profiles: Profiles, offers: OfferTable, rows: Ints, cols: Ints) -> dict[str, Floats]:
    """What the subscriber uses in a month against what the tariff includes and what the offer would give."""
    columns: dict[str, Floats] = {}
    for name, used_column, allowance_column, gives_column in NEEDS:
        used, gives = _floats(profiles, used_column)[rows], offers.column(gives_column)[cols]
        allowance = _floats(profiles, allowance_column)[rows]
        columns[f"{name}_used_share"] = _ratio(used, allowance)
        columns[f"{name}_use_to_offer"] = np.where(gives > 0, np.log1p(used) - np.log1p(gives), np.nan)
        columns[f"{name}_need_above"] = used - allowance
        columns[f"{name}_misfit"] = _misfit(gives, used - allowance)
    charge = _floats(profiles, "charge_sum_30d")[rows]
    columns["price_to_charge"] = _ratio(offers.column("offer_price")[cols], charge)
    return columns


def _misfit(gives: Floats, lacks: Floats) -> Floats:
    """How many times an offer must be doubled or halved to give what the package lacks; NaN where it gives nothing."""
    some = gives > 0
    least = np.where(some, gives, 1.0) * 2.0**-MOST_DOUBLINGS
    doublings = np.abs(np.log2(np.where(some, gives, 1.0) / np.maximum(lacks, least)))
    return np.where(some, np.minimum(doublings, MOST_DOUBLINGS), np.nan)


def _tag_volume(profiles: Profiles, offers: OfferTable, rows: Ints, cols: Ints) -> Floats:
    """Data of the offer's tags: logarithms of megabytes in 30 days, added up and divided by the root of their number,
    so that an offer for two uses weighs what both say together; NaN for offers without such a tag.
    """
    known = [(spoken, profiles.column(VOLUME.format(tag))) for tag, spoken in offers.spoken.items()]
    told = [(spoken, used) for spoken, used in known if used is not None]
    if not told:
        return np.full(len(rows), np.nan)
    speaks = np.stack([spoken for spoken, _ in told])[:, cols]
    used = np.log1p(np.maximum(np.stack([used for _, used in told]), 0.0))
    count = speaks.sum(axis=0)
    # Added up one after the other, so that a pair has the bits that it has among many.
    volume = (speaks * used[:, rows]).cumsum(axis=0)[-1]
    return np.where(count > 0, volume / np.sqrt(np.maximum(count, 1.0)), np.nan)


def _floats(profiles: Profiles, name: str) -> Floats:
    values = profiles.column(name)
    if values is None:
        return np.full(len(profiles), np.nan)
    return values.astype(float)


def _ratio(over: Floats, under: Floats) -> Floats:
    out = np.full(len(over), np.nan)
    np.divide(over, under, out=out, where=under > 0)
    return out
