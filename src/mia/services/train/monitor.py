"""Monitor: a live model held against what it learnt from, on the impressions and decisions of recent days."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.evaluation.health import Facts, Health, MonitorLimits, Population
from mia.evaluation.intervals import clusters
from mia.evaluation.measures import Scored
from mia.frames import Floats, Ints
from mia.ports import LearningLog, Registry
from mia.ranking.local_time import Zones
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.registry import load_ranker
from mia.ranking.training_set import Impressions
from mia.services.train.examples import Examples, build_examples
from mia.services.train.trainer import EVALUATION, Progress
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text

DAY = DAY_SECONDS * MICROSECONDS
STEPS = 3
MOST_ROWS = 10_000
"""Impressions of either time that are looked at: more would change a stability index by less than 0.005."""
SEED = 7
GROWING = frozenset({"offer_impressions"})
"""Columns that grow for as long as offers are shown: they differ from what was learnt even where nothing has moved."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Looks at registered models in operation."""

    ledger: LearningLog
    registry: Registry
    build_profiles: BuildProfiles
    zones: Zones
    limits: MonitorLimits

    def look(
        self,
        version: str,
        offers: tuple[Offer, ...],
        *,
        until: int,
        days: int,
        attribution_days: int,
        progress: Progress | None = None,
    ) -> Health:
        """The health of a version over the `days` days before `until` (microseconds).

        Raises UnknownModel, and NotEnoughData when nothing is left of the impressions that it learnt from.
        """

        def step(label: str, done: int) -> None:
            if progress:
                progress(label, done, STEPS)

        step("what it learnt from", 0)
        folder = self.registry.fetch(version)
        kept: dict[str, Any] = orjson.loads((folder / EVALUATION).read_bytes())
        ranker = load_ranker(folder)
        through = day_of_text(kept.get("trained_through", kept["trained_until"]))
        learnt_days = (day_of_text(kept["trained_from"]), through + 1)
        learnt = self._examples(offers, until=until, attribution_days=0, days=learnt_days)
        step("recent impressions", 1)
        last = until // DAY
        recent = self._try_examples(offers, until=until, attribution_days=0, days=(last - days, last + 1))
        step("answers", 2)
        matured = last - attribution_days
        answered = self._try_examples(
            offers, until=until, attribution_days=attribution_days, days=(max(matured - days, through + 1), matured + 1)
        )
        scores, answers, window = _answers(ranker, answered)
        watched = np.asarray([place for place, name in enumerate(ranker.columns) if name not in GROWING], np.int64)
        facts = Facts(
            version,
            until,
            days,
            tuple(ranker.columns[place] for place in watched),
            ranker.gains(),
            _population(ranker, learnt, watched),
            None if recent is None else _population(ranker, recent, watched),
            scores,
            answers,
            window,
            self.ledger.decision_tally(until - days * DAY, until),
            _own_auc(kept),
            int(last - through),
        )
        step("done", STEPS)
        return Health(facts, self.limits)

    def _try_examples(self, offers: tuple[Offer, ...], **asked: Any) -> Examples | None:  # noqa: ANN401 - of _examples
        try:
            return self._examples(offers, **asked)
        except NotEnoughData:
            return None

    def _examples(
        self, offers: tuple[Offer, ...], *, until: int, attribution_days: int, days: tuple[int, int]
    ) -> Examples:
        """A sample of the impressions from one local day to before another."""
        first, end = days

        def chosen(impressions: Impressions) -> Ints:
            rows = np.flatnonzero((impressions.local_day >= first) & (impressions.local_day < end))
            if len(rows) <= MOST_ROWS:
                return rows
            return np.sort(np.random.default_rng(SEED).choice(rows, MOST_ROWS, replace=False))

        return build_examples(
            self.ledger,
            self.build_profiles,
            offers,
            zones=self.zones,
            attribution_days=attribution_days,
            until=until,
            choose=chosen,
        )


def _population(ranker: Ranker, examples: Examples, watched: Ints) -> Population:
    matrix = ranker.matrix(examples.pairs.at_first_position())
    impressions = examples.impressions
    return Population(matrix[:, watched], ranker.acceptance(matrix), impressions.region, impressions.window)


def _answers(ranker: Ranker, examples: Examples | None) -> tuple[Floats, Scored | None, tuple[str, str] | None]:
    if examples is None:
        return np.zeros(0), None, None
    impressions = examples.impressions
    scores = ranker.score(examples.pairs.at_first_position())
    rows = Scored(impressions.labels, impressions.slate, clusters(impressions.subscriber_ids))
    return scores, rows, impressions.window


def _own_auc(kept: Mapping[str, Any]) -> float:
    value = kept["table"]["mia"]["auc"]["value"]
    return float("nan") if value is None else float(value)
