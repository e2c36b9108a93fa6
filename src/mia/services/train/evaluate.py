"""Evaluate: the figures of a registered model against the yardsticks, and what it would have earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mia.domain.offer import Offer
from mia.errors import InvalidInput, NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.measures import Measures, Scored, measure
from mia.evaluation.off_policy import OffPolicy
from mia.offers.contact import ContactPolicy
from mia.ports import Ledger, Registry
from mia.ranking.local_time import Zones
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.popular import Popular, PopularByRegion
from mia.ranking.rankers.registry import load_ranker
from mia.services.train.examples import build_examples
from mia.services.train.trainer import EVALUATION, Progress
from mia.services.train.what_if import WhatIf
from mia.timeline import day_of_text

BASELINES: Mapping[str, type[Popular]] = {"popular": Popular, "popular_by_region": PopularByRegion}
POLICIES = ("mia", *BASELINES)
SEED = 7
STEPS = 3


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
    zones: Zones

    def evaluate(
        self,
        version: str,
        offers: tuple[Offer, ...],
        *,
        until: int,
        attribution_days: int,
        policies: tuple[str, ...],
        progress: Progress | None = None,
    ) -> Evaluated:
        """Figures on impressions after the model's training where there are any, else those of its training.

        `policies` name the greedy policies (`mia`, `popular`, `popular_by_region`) to value from the log, all of them
        by default. Raises UnknownModel, InvalidInput for a policy of another name, and NotEnoughData for a policy that
        the log cannot speak for.
        """
        for name in policies:
            if name not in POLICIES:
                raise InvalidInput(f"no policy {name!r}; there are {', '.join(POLICIES)}", parameter="policy")
        folder = self.registry.fetch(version)

        def step(label: str, done: int) -> None:
            if progress:
                progress(label, done, STEPS)

        step("impressions", 0)
        kept: dict[str, Any] = orjson.loads((folder / EVALUATION).read_bytes())
        try:
            examples = build_examples(
                self.ledger,
                self.build_profiles,
                offers,
                zones=self.zones,
                attribution_days=attribution_days,
                until=until,
                since_day=day_of_text(kept["trained_until"]),
            )
        except NotEnoughData:
            table = {name: Measures.from_json(figures) for name, figures in kept["table"].items()}
            valued = {name: OffPolicy.from_json(figures) for name, figures in kept["policies"].items()}
            step("done", STEPS)
            return Evaluated(
                version,
                False,
                (kept["window"][0], kept["window"][1]),
                kept["rows"],
                int(kept["positives"]),
                table,
                _chosen(policies, valued),
            )
        step("policies", 1)
        mia = load_ranker(folder)
        rankers: dict[str, Ranker] = {"mia": mia}
        rankers |= {name: kind(mia.fingerprint, mia.objective) for name, kind in BASELINES.items()}
        pairs, impressions = examples.pairs.at_first_position(), examples.impressions
        rows = Scored(impressions.labels, impressions.slate, clusters(impressions.subscriber_ids))
        valued = WhatIf(examples, self.contact).values_of(rankers, seed=SEED)
        step("figures", 2)
        table = {name: measure(ranker.score(pairs), rows) for name, ranker in rankers.items()}
        step("done", STEPS)
        return Evaluated(
            version,
            True,
            impressions.window,
            len(impressions),
            int(impressions.labels.sum()),
            table,
            _chosen(policies, valued),
        )


def _chosen(policies: tuple[str, ...], valued: Mapping[str, OffPolicy]) -> Mapping[str, OffPolicy]:
    for name in policies:
        if name not in valued:
            raise NotEnoughData(f"the log holds no impression in first place that policy {name} would have made too")
    return {name: value for name, value in valued.items() if name in (policies or POLICIES)}
