"""The choice of reasons: the strongest facts first.

A feature can speak only where a template says how, where its contribution is positive, and where the fact that the
template states holds for this subscriber. No reason is better than a wrong one.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from mia.domain.decision import Reason
from mia.domain.offer import Language
from mia.frames import Floats
from mia.ranking.explanation.templates import TEMPLATES, Template
from mia.ranking.explanation.wording import Number
from mia.ranking.pairs import Pairs

MOST = 3


@runtime_checkable
class Explainable(Protocol):
    """A ranker that can split its score over the columns of its matrix."""

    @property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features."""

    def contributions(self, pairs: Pairs) -> Floats:
        """R x columns, in the logit."""


def explain(model: Explainable, pairs: Pairs, language: Language) -> list[tuple[Reason, ...]]:
    """Up to three reasons for each of R pairs, the strongest first."""
    places = model.places
    known = [(template, [places[name] for name in template.columns if name in places]) for template in TEMPLATES]
    spoken = [(template, columns) for template, columns in known if columns]
    starts = np.cumsum([0, *(len(columns) for _, columns in spoken[:-1])])
    flat = [place for _, columns in spoken for place in columns]
    weights = np.add.reduceat(model.contributions(pairs)[:, flat], starts, axis=1)
    templates = [template for template, _ in spoken]
    return [_reasons(pairs, row, templates, weights[row], language) for row in range(len(pairs))]


def _reasons(
    pairs: Pairs, row: int, templates: Sequence[Template], weights: Floats, language: Language
) -> tuple[Reason, ...]:
    found: list[Reason] = []
    for place in np.argsort(-weights, kind="stable").tolist():
        if weights[place] <= 0 or len(found) == MOST:
            break
        template = templates[place]
        numbers = template.fact(pairs, row)
        if numbers is not None:
            given = {name: Number(value, language) for name, value in numbers.items()}
            found.append(Reason(template.code, template.text.in_language(language).format(**given)))
    return tuple(found)
