"""Affinity: how much each offer appeals to a subscriber, as a line through needs for each offer.

Trees need many examples to find out that night owls take the night package and travellers roaming: they must cut by
the offer before they cut by the need. A logistic line for each offer says it with few examples, if it is held: the
weights of an offer are pulled towards those of its category, and these towards the weights common to all,

    log odds = x . (w_common + w_category + w_offer),  w_j ~ Normal(0, 1 / strength_j),

by NEWTON_STEPS from the common line. The strength of each column comes from the data: what moves no offer is held, what
moves some is let go. In training a row is scored by lines that were fitted without its subscriber, so that the trees,
which read the log odds as one more column, trust it no more than it deserves.

Gelman, A. and Hill, J. (2007), Data analysis using regression and multilevel models, ch. 12; the scores out of fold
are those of Wolpert, D. (1992), Stacked generalization; the strengths those of MacKay, D. (1992), Bayesian
interpolation, section 4, over all offers at once. Columns x are signed logarithms, standardised; what is missing counts
as the mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from mia.frames import Floats, Ints, Singles
from mia.ranking.lines import (
    FOLDS,
    REST,
    Design,
    Scale,
    Sides,
    Sums,
    chunks,
    common_line,
    find_strengths,
    least_connections,
    lines_of,
    log_odds,
    sums_of,
    told_apart,
)
from mia.ranking.offer_table import OfferTable

NEWTON_STEPS = 2
LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Affinity:
    """The common line (f), those of categories (c x f) and of offers (g x f), over f = 1 + a + s columns.

    An offer without a line of its own has its category's, a category without one the common.
    """

    people: Scale
    pairs: Scale
    common: Floats
    by_category: Mapping[str, Floats]
    by_offer: Mapping[str, Floats]
    _kept: list[tuple[OfferTable, Singles]] = field(default_factory=list, compare=False, repr=False)

    def lines(self, table: OfferTable) -> Singles:
        """The line of each offer of a table, m x f. One catalogue is scored again and again, so they are kept."""
        if not self._kept or self._kept[0][0] is not table:
            keys = zip(table.places, table.categorical["offer_category"], strict=True)
            found = [self.by_offer.get(offer, self.by_category.get(category, self.common)) for offer, category in keys]
            self._kept[:] = [(table, np.asarray(found, np.float32))]
        return self._kept[0][1]

    def score(self, sides: Sides, table: OfferTable) -> Singles:
        """Log odds of R pairs (R), by the lines of the offers of a table."""
        return log_odds(Design.of(self.people, self.pairs, sides), np.arange(len(sides)), self.lines(table))

    def terms(self, sides: Sides, table: OfferTable) -> Singles:
        """What each column adds to the log odds of R pairs, which are their sum (R x f); the first is that of a person
        who is average in all.
        """
        rows = Design.of(self.people, self.pairs, sides).rows(np.arange(len(sides)))
        return np.asarray(rows * self.lines(table)[sides.cols], np.float32)

    @classmethod
    def fit(cls, sides: Sides, labels: Floats, table: OfferTable, folds: Ints) -> tuple[Self, Singles]:
        """The lines, and the log odds of every row by lines that did not see its fold (0 to FOLDS - 1)."""
        people, pairs = Scale.fit(sides.people), Scale.fit(sides.pairs)
        design = Design.of(people, pairs, sides)
        common = common_line(design, labels)
        unseen = np.empty(len(labels), np.float32)
        category = table.categorical["offer_category"]
        order = np.argsort(sides.cols, kind="stable")
        starts = np.searchsorted(sides.cols[order], np.arange(len(table) + 1))
        least = least_connections(labels, sides.cols)
        rows: dict[str, dict[int, Ints]] = {}
        sums: dict[str, dict[int, Sums]] = {}
        for name in dict.fromkeys(category[np.unique(sides.cols)]):
            members = np.flatnonzero(category == name).tolist()
            rows[name] = told_apart(labels, {col: order[starts[col] : starts[col + 1]] for col in members}, least)
        points: dict[int, Floats] = {}
        for _ in range(NEWTON_STEPS):
            for name, apart in rows.items():
                sums[name] = {
                    col: sums_of(design, labels, folds, each, common, points.get(col, 0.0 * common))
                    for col, each in apart.items()
                }
            strengths = find_strengths([each for of_offers in sums.values() for each in of_offers.values()])
            for of_offers in sums.values():
                steps = lines_of(of_offers, strengths, None)[1]
                points |= {col: step for col, step in steps.items() if col != REST}
        by_category: dict[str, Floats] = {}
        by_offer: dict[str, Floats] = {}
        ids = list(table.places)
        for name, of_offers in sums.items():
            for fold in range(FOLDS):
                _, steps = lines_of(of_offers, strengths, fold)
                for col, each in rows[name].items():
                    mine = each[folds[each] == fold]
                    held = (common + steps[col]).astype(np.float32)
                    for part in chunks(len(mine)):
                        unseen[mine[part]] = design.rows(mine[part]) @ held
            broad, steps = lines_of(of_offers, strengths, None)
            by_category[str(name)] = common + broad
            by_offer |= {ids[col]: common + step for col, step in steps.items() if col != REST}
        return cls(people, pairs, common, by_category, by_offer), unseen

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form; orjson writes its arrays."""
        return {
            "people": {"means": self.people.means, "rates": self.people.rates},
            "pairs": {"means": self.pairs.means, "rates": self.pairs.rates},
            "common": self.common,
            "by_category": dict(self.by_category),
            "by_offer": dict(self.by_offer),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        people, pairs = (
            Scale(*(np.asarray(data[side][name], np.float32) for name in ("means", "rates")))
            for side in ("people", "pairs")
        )
        by_category, by_offer = (
            {name: np.asarray(line, float) for name, line in data[level].items()}
            for level in ("by_category", "by_offer")
        )
        return cls(people, pairs, np.asarray(data["common"], float), by_category, by_offer)


def spread(terms: Singles, contributions: Floats, at: int, features: int, pairs: int) -> Floats:
    """Contributions R x columns, in which that of the affinity (column `at`) goes to the columns that its lines read:
    the first ones, of so many features of the profile, and those of pairs right before it.

    Each column gets a part by what it adds in that direction; what attributes, bends and keys add stays. Sums over a
    row are kept.
    """
    terms = terms.astype(float)
    terms[:, 0] = 0.0
    whole = contributions[:, at]
    along = np.maximum(terms * np.sign(whole)[:, None], 0.0)
    parts = whole[:, None] * along / np.maximum(along.sum(axis=1, keepdims=True), LEAST)
    first_pair = terms.shape[1] - pairs - 1
    out = contributions.copy()
    out[:, :features] += parts[:, 1 : 1 + features]
    out[:, at - pairs : at] += parts[:, first_pair:-1]
    out[:, at] -= parts[:, 1 : 1 + features].sum(axis=1) + parts[:, first_pair:-1].sum(axis=1)
    return out
