"""Evaluate: the figures of a registered model against the yardsticks, and what it would have earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.measures import Measures, Scored, measure
from mia.evaluation.off_policy import OffPolicy
from mia.offers.contact import ContactPolicy
from mia.ports import Ledger, Registry
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.rankers.popular import Popular, PopularByRegion
from mia.services.train.examples import build_examples
from mia.services.train.trainer import EVALUATION
from mia.services.train.what_if import WhatIf
from mia.timeline import day_of_text

BASELINES: Mapping[str, type[Ranker]] = {"popular": Popular, "popular_by_region": PopularByRegion}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Figures of a model. `fresh` says whether they come from impressions after its training or from its own later
    window, kept back while it was evaluated.
    """

    version: str
    fresh: bool
    window: tuple[str, str]
    rows: int
    positives: int
    table: Mapping[str, Measures]
    policies: Mapping[str, OffPolicy]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates registered models."""

    ledger: Ledger
    registry: Registry
    build_profiles: BuildProfiles
    contact: ContactPolicy

    def evaluate(
        self, version: str, offers: tuple[Offer, ...], *, until: int, attribution_days: int, policies: tuple[str, ...]
    ) -> Evaluated:
        """Figures on impressions after the model's training where there are any, else those of its training.

        `policies` name greedy policies (`mia`, `popular`, `popular_by_region`) to value from the log. Raises
        UnknownModel, and NotEnoughData when a policy is to be valued without later impressions.
        """
        folder = self.registry.fetch(version)
        kept: dict[str, Any] = orjson.loads((folder / EVALUATION).read_bytes())
        try:
            examples = build_examples(
                self.ledger,
                self.build_profiles,
                offers,
                attribution_days=attribution_days,
                until=until,
                since_day=day_of_text(kept["trained_until"]),
            )
        except NotEnoughData:
            table = {name: Measures.from_json(figures) for name, figures in kept["table"].items()}
            off_policy = {name: OffPolicy.from_json(figures) for name, figures in kept["policies"].items()}
            return Evaluated(
                version,
                False,
                (kept["window"][0], kept["window"][1]),
                kept["rows"],
                int(kept["positives"]),
                table,
                {name: value for name, value in off_policy.items() if not policies or name in policies},
            )
        rankers: dict[str, Ranker] = {"mia": LightGBMRanker.load(folder)}
        rankers |= {name: kind.load(folder) for name, kind in BASELINES.items()}
        pairs, impressions = examples.pairs.at_first_position(), examples.impressions
        rows = Scored(impressions.labels, impressions.slate, clusters(impressions.subscriber_ids))
        what_if = WhatIf(examples, self.contact)
        return Evaluated(
            version,
            True,
            impressions.window,
            len(impressions),
            int(impressions.labels.sum()),
            {name: measure(ranker.score(pairs), rows) for name, ranker in rankers.items()},
            {name: what_if.value_of(rankers[name], seed=7) for name in policies or tuple(rankers)},
        )
