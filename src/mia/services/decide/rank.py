"""From candidates to an answer: rules, scores, arbitration, exploration, reasons. Pure: replay runs this same code."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise

import numpy as np

from mia.domain.decision import DecisionRequest, Fallback, RankedOffer, Reason, Rule, Stage
from mia.domain.subscriber import Arm
from mia.frames import Floats, Ints, Profiles
from mia.offers.contact import ContactHistory
from mia.offers.eligibility import RULES, Candidates, opted_out
from mia.ranking.arbitration import Objective, expected_value
from mia.ranking.explanation import Explainable, explain
from mia.ranking.exploration import Prospects
from mia.ranking.pairs import Context, Pairs, build_pairs, numbers_of
from mia.ranking.rankers.base import Ranker
from mia.services.decide.budget import Within, at_once
from mia.services.decide.live import Live

log = logging.getLogger(__name__)

STAGES: tuple[tuple[str, Rule], ...] = (
    ("validity", Rule.EXPIRED),
    ("channel", Rule.CHANNEL),
    ("eligibility", Rule.CONNECTED),
    ("limits", Rule.TOTAL_LIMIT),
    ("contact", Rule.SEEN_TOO_OFTEN),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranked offers and how they came about: `passed` are the places of the offers that the rules let through, and
    `prospects` what each of them promised.
    """

    offers: tuple[RankedOffer, ...]
    stages: tuple[Stage, ...]
    dropped: Mapping[str, str]
    explored: bool
    fallback: Fallback | None
    passed: Ints
    prospects: Prospects

    @property
    def empty_reason(self) -> str | None:
        """Of an answer without offers the stage that dropped the last one, `catalogue` where there was none."""
        if self.offers:
            return None
        return next((stage.name for stage in self.stages if stage.entered and not stage.passed), "catalogue")


def rank(
    live: Live,
    request: DecisionRequest,
    profile: Profiles | None,
    history: ContactHistory,
    *,
    arm: str,
    seed: int,
    moment: datetime,
    failed: Fallback | None,
    is_newcomer: bool = False,
    within: Within = at_once,
) -> Answer:
    """Answer one request. `failed` names what was already found missing; the answer is then not personalised. The
    profile of a newcomer holds attributes alone; `within` runs the model within its time budget.
    """
    candidates = live.eligibility.check(
        profile, history, channel=request.channel, on=moment.date(), region=request.region
    )
    passed = np.flatnonzero(candidates.passed[0])
    fallback = failed or _fallback(live, profile) or (Fallback.NO_PROFILE if is_newcomer else None)
    pairs: Pairs | None = None
    acceptance = _popularity(live, profile, request)[passed]
    is_scored = fallback in (None, Fallback.NO_PROFILE)
    if is_scored and arm == Arm.MIA and profile is not None and live.model is not None and len(passed):
        try:
            pairs = _pairs(live, profile, passed, request, moment)
            acceptance = within(partial(_scored, live.model, pairs))
        except TimeoutError:
            log.warning("model %s took longer than its time budget", live.versions.model)
            fallback, pairs, is_scored = Fallback.MODEL_SLOW, None, False
        except Exception:
            # Whatever the model throws, the subscriber is answered.
            log.exception("model %s failed on a request", live.versions.model)
            fallback, pairs, is_scored = Fallback.MODEL_FAILED, None, False
    worth = expected_value(acceptance, live.table.value[passed], live.table.priority[passed])
    # Replay may hold a model that could not be read then: every fallback is ordered without asking one.
    objective = Objective.VALUE if live.model is None or not is_scored else live.model.objective
    prospects = Prospects(objective.merit(acceptance, worth), acceptance, live.doubt[passed])
    slate = live.exploration.draw(prospects, request.limit, seed)
    reasons = _reasons(live, pairs, slate.order, request)
    places = slate.order.tolist()
    offers = tuple(
        RankedOffer(
            offer_id=live.catalogue.offers[passed[place]].id,
            position=position,
            acceptance=float(acceptance[place]),
            expected_value=float(worth[place]),
            propensity=float(slate.propensity[position - 1]),
            reasons=reasons[position - 1],
        )
        for position, place in enumerate(places, start=1)
    )
    shown = {offer.offer_id for offer in offers}
    dropped = candidates.dropped(0, live.catalogue.offers)
    dropped |= {live.catalogue.offers[place].id: str(Rule.RANK) for place in passed.tolist()}
    return Answer(
        offers,
        _stages(candidates, len(offers)),
        {offer_id: rule for offer_id, rule in dropped.items() if offer_id not in shown},
        slate.explored,
        fallback,
        passed,
        prospects,
    )


def _fallback(live: Live, profile: Profiles | None) -> Fallback | None:
    if profile is None:
        return Fallback.UNKNOWN_SUBSCRIBER
    if opted_out(profile)[0]:
        return Fallback.OPTED_OUT
    return live.without_model


def _popularity(live: Live, profile: Profiles | None, request: DecisionRequest) -> Floats:
    """How often each offer is connected: by all, or in the region that the request of an unknown subscriber names."""
    place = None if profile is not None else live.rates.regions.get(request.region or "")
    return np.asarray(live.rates.offer[-1] if place is None else live.rates.region[-1, place])


def _pairs(live: Live, profile: Profiles, passed: Ints, request: DecisionRequest, moment: datetime) -> Pairs:
    numbers = numbers_of(moment, request.context)
    context = Context.constant(len(passed), request.channel, request.placement, numbers)
    return build_pairs(profile, live.table, live.rates, np.zeros(len(passed), np.int64), passed, context)


def _scored(model: Ranker, pairs: Pairs) -> Floats:
    """Acceptance of the pairs; raises ArithmeticError when it is no number."""
    acceptance = model.score(pairs)
    if not np.isfinite(acceptance).all():
        raise ArithmeticError("the model scored something that is not a number")
    return acceptance


def _reasons(live: Live, pairs: Pairs | None, order: Ints, request: DecisionRequest) -> Sequence[tuple[Reason, ...]]:
    if pairs is None or not isinstance(live.model, Explainable) or not len(order):
        return [()] * len(order)
    try:
        return explain(live.model, pairs.take(order), request.language)
    except Exception:
        # An answer without reasons is better than none.
        log.exception("model %s could not explain itself", live.versions.model)
        return [()] * len(order)


def _stages(candidates: Candidates, shown: int) -> tuple[Stage, ...]:
    verdict = candidates.verdict[0]
    last = [RULES.index(rule) for _, rule in STAGES]
    left = [len(verdict), *(int(((verdict < 0) | (verdict > place)).sum()) for place in last)]
    stages = [Stage(name, *counts) for (name, _), counts in zip(STAGES, pairwise(left), strict=True)]
    return (*stages, Stage("arbitration", left[-1], shown))
