"""The choice of reasons: the strongest facts first.

A feature can speak only where a template says how, where its contribution is positive, and where the fact that the
template states holds for this subscriber. No reason is better than a wrong one.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mia.domain.decision import Reason
from mia.domain.offer import Language
from mia.frames import Floats, Ints
from mia.ranking.explanation.templates import TEMPLATES, Template
from mia.ranking.explanation.wording import Number
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Pairs

MOST = 3


class Explainable(Protocol):
    """A ranker that can split its score over the columns of its matrix."""

    @property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features."""

    def contributions(self, pairs: Pairs, which: Ints) -> Floats:
        """In the logit, one row for each of the pairs asked for x columns."""


def is_explainable(model: object) -> TypeGuard[Explainable]:
    """Whether a ranker can."""
    return hasattr(model, "contributions")


def explain(model: Explainable, pairs: Pairs, which: Ints, language: Language) -> list[tuple[Reason, ...]]:
    """Up to three reasons for each of the pairs asked for, the strongest first."""
    templates, columns, starts = _spoken(tuple(model.places), tuple(model.places.values()))
    weights = np.add.reduceat(model.contributions(pairs, which)[:, columns], starts, axis=1)
    weights *= _subjects(pairs.offers, templates)[pairs.cols[which]]
    order, told = np.argsort(-weights, axis=1, kind="stable"), np.count_nonzero(weights > 0, axis=1)
    return [
        _reasons(pairs, row, [templates[place] for place in places[:count]], language)
        for row, places, count in zip(which.tolist(), order.tolist(), told.tolist(), strict=True)
    ]


@lru_cache(maxsize=8)
def _spoken(names: tuple[str, ...], places: tuple[int, ...]) -> tuple[tuple[Template, ...], Ints, Ints]:
    """The templates that a model with these columns can speak by, their columns, and where those of each begin."""
    place_of = dict(zip(names, places, strict=True))
    known = [(template, [place_of[name] for name in template.columns if name in place_of]) for template in TEMPLATES]
    spoken = [(template, columns) for template, columns in known if columns]
    starts = np.cumsum([0, *(len(columns) for _, columns in spoken[:-1])])
    return (
        tuple(template for template, _ in spoken),
        np.asarray([place for _, columns in spoken for place in columns], np.int64),
        starts.astype(np.int64),
    )


@lru_cache(maxsize=8)
def _subjects(offers: OfferTable, templates: tuple[Template, ...]) -> NDArray[np.bool_]:
    """Of which offers each template may be said, m x templates."""
    return np.asarray([[template.subject(offer) for template in templates] for offer in offers.offers], bool)


def _reasons(pairs: Pairs, row: int, templates: Sequence[Template], language: Language) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for template in templates:
        numbers = template.told(pairs, row)
        if numbers is not None:
            given = {name: Number(value, language) for name, value in numbers.items()}
            found.append(Reason(template.code, template.text.in_language(language).format(**given)))
            if len(found) == MOST:
                break
    return tuple(found)
