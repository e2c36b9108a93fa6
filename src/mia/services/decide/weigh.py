"""From candidates to what each is worth: rules and scores. Pure, like all that replay runs again."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np

from mia.domain.decision import DecisionRequest, Fallback
from mia.domain.subscriber import Arm
from mia.frames import Floats, Ints, Profiles
from mia.offers.consent import opted_out
from mia.offers.contact import ContactHistory
from mia.offers.eligibility import Candidates
from mia.ranking.arbitration import Arbitration, Objective
from mia.ranking.exploration import Prospects
from mia.ranking.pairs import Context, Pairs, build_pairs, numbers_of
from mia.ranking.rankers.base import Ranker
from mia.services.decide.budget import Within, at_once
from mia.services.decide.live import Live

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The n offers that passed the rules, as numbers in the catalogue, with the acceptance of each. `pairs` are what it
    was scored on, None in an order that is not personalised.
    """

    candidates: Candidates
    passed: Ints
    acceptance: Floats
    objective: Objective
    pairs: Pairs | None
    fallback: Fallback | None

    def worth(self, arbitration: Arbitration, request: DecisionRequest) -> Floats:
        """Expected value of each (n)."""
        return arbitration.worth(self.acceptance, self.passed, request.channel, request.placement)

    def prospects(self, worth: Floats, doubt: Floats) -> Prospects:
        """What the policy chooses among; `doubt` is that of all offers of the catalogue."""
        return Prospects(self.objective.merit(self.acceptance, worth), self.acceptance, doubt[self.passed])


def weigh(
    live: Live,
    request: DecisionRequest,
    profile: Profiles | None,
    history: ContactHistory,
    *,
    arm: str,
    moment: datetime,
    failed: Fallback | None,
    is_newcomer: bool = False,
    within: Within = at_once,
) -> Weighed:
    """Apply the rules and score what they leave, at a local `moment`.

    `failed` names what was already found missing; the acceptance is then not personalised. The profile of a newcomer
    holds attributes alone; `within` runs the model within its time budget.
    """
    candidates = live.eligibility.check(
        profile,
        history,
        channel=request.channel,
        on=moment.date(),
        minute=60 * moment.hour + moment.minute,
        region=request.region,
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
    # Replay may hold a model that could not be read then: every fallback is ordered without asking one.
    objective = Objective.VALUE if live.model is None or not is_scored else live.model.objective
    return Weighed(candidates, passed, acceptance, objective, pairs, fallback)


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
