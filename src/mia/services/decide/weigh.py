"""From candidates to what each is worth: rules and scores. Pure, like all that replay runs again."""

import logging
from dataclasses import dataclass
from datetime import datetime

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
) -> Weighed:
    """Apply the rules and score what they leave, at a local `moment`.

    `failed` names what was already found missing; the acceptance is then not personalised.
    """
    candidates = live.eligibility.check(
        profile, history, channel=request.channel, on=moment.date(), minute=60 * moment.hour + moment.minute
    )
    passed = np.flatnonzero(candidates.passed[0])
    fallback = failed or _fallback(live, profile)
    pairs: Pairs | None = None
    acceptance = live.rates.offer[-1][passed]
    if fallback is None and arm == Arm.MIA and profile is not None and live.model is not None and len(passed):
        try:
            pairs = _pairs(live, profile, passed, request, moment)
            acceptance = _scored(live.model, pairs)
        except Exception:
            # Whatever the model throws, the subscriber is answered.
            log.exception("model %s failed on a request", live.versions.model)
            fallback, pairs = Fallback.MODEL_FAILED, None
    # Replay may hold a model that could not be read then: every fallback is ordered without asking one.
    objective = Objective.VALUE if live.model is None or fallback is not None else live.model.objective
    return Weighed(candidates, passed, acceptance, objective, pairs, fallback)


def _fallback(live: Live, profile: Profiles | None) -> Fallback | None:
    if profile is None:
        return Fallback.UNKNOWN_SUBSCRIBER
    if opted_out(profile)[0]:
        return Fallback.OPTED_OUT
    return live.without_model


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
