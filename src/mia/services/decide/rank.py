"""From candidates to an answer: rules, scores, arbitration, exploration, reasons. Pure: replay runs this same code."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from mia.domain.decision import DecisionRequest, Fallback, RankedOffer, Reason, Rule, Stage
from mia.domain.offer import Offer
from mia.frames import Ints, Profiles
from mia.offers.contact import ContactHistory, Room
from mia.offers.eligibility import PASSED, PLACES, RULES, Candidates
from mia.ranking.explanation import explain, is_explainable
from mia.ranking.exploration import Prospects, Slate, draw_behind
from mia.ranking.pairs import Pairs
from mia.services.decide.budget import Within, at_once
from mia.services.decide.live import Live
from mia.services.decide.weigh import Weighed, weigh

log = logging.getLogger(__name__)

STAGES: tuple[tuple[str, Rule], ...] = (
    ("validity", Rule.EXPIRED),
    ("channel", Rule.CHANNEL),
    ("consent", Rule.CONSENT),
    ("eligibility", Rule.CONNECTED),
    ("limits", Rule.SUBSCRIBER_LIMIT),
    ("contact", Rule.TOTAL_CAP),
    ("budget", Rule.TOTAL_LIMIT),
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


@dataclass(frozen=True, eq=False)
class Losers(Mapping[str, str]):
    """The rule that dropped each offer that is not shown, by its id; only who asks has it worked out."""

    offers: Sequence[Offer]
    candidates: Candidates
    shown: frozenset[str]

    def __getitem__(self, offer_id: str) -> str:
        return self._rules[offer_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    @cached_property
    def _rules(self) -> dict[str, str]:
        dropped = self.candidates.dropped(0, self.offers)
        shown = self.shown.union(dropped)
        left = {offer.id: str(Rule.RANK) for offer in self.offers if offer.id not in shown}
        return dropped | left


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
    weighed = weigh(
        live,
        request,
        profile,
        history,
        arm=arm,
        moment=moment,
        failed=failed,
        is_newcomer=is_newcomer,
        within=within,
    )
    passed, acceptance = weighed.passed, weighed.acceptance
    worth = weighed.worth(live.arbitration, request)
    prospects = weighed.prospects(worth, live.doubt)
    slate, crowded = _slate(live, request, weighed, prospects, history, seed)
    candidates = weighed.candidates.without(Rule.CATEGORY_CAP, passed[crowded]) if len(crowded) else weighed.candidates
    reasons = _reasons(live, weighed.pairs, slate.order, request)
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
    return Answer(
        offers,
        _stages(candidates, len(offers)),
        Losers(live.catalogue.offers, candidates, frozenset(offer.offer_id for offer in offers)),
        slate.explored,
        weighed.fallback,
        passed,
        prospects,
    )


def _slate(
    live: Live, request: DecisionRequest, weighed: Weighed, prospects: Prospects, history: ContactHistory, seed: int
) -> tuple[Slate, Ints]:
    """Mandatory offers first, then those that the policy draws, as many as the caps have room for; and which of the
    candidates had to stay out since their category has too many.
    """
    first = live.eligibility.mandatory[weighed.passed]
    rest, free = ~first, request.limit
    crowded = np.zeros(0, np.int64)
    room = Room.left(live.eligibility.book, history, request.channel)
    if room is not None:
        order = prospects.greedy
        ahead = order[first[order]][: request.limit]
        room = room.after(weighed.passed[ahead])
        behind = order[rest[order]]
        free = int(min(request.limit, max(room.places, 0)))
        out = room.crowded(weighed.passed[behind], free)
        crowded = behind[np.isin(weighed.passed[behind], out)]
        rest[crowded] = False
    return draw_behind(live.exploration, prospects, first, rest, (request.limit, free), seed), crowded


def _reasons(live: Live, pairs: Pairs | None, order: Ints, request: DecisionRequest) -> Sequence[tuple[Reason, ...]]:
    if pairs is None or not is_explainable(live.model) or not len(order):
        return [()] * len(order)
    try:
        return explain(live.model, pairs, order, request.language)
    except Exception:
        # An answer without reasons is better than none.
        log.exception("model %s could not explain itself", live.versions.model)
        return [()] * len(order)


def _stages(candidates: Candidates, shown: int) -> tuple[Stage, ...]:
    verdict = candidates.verdict[0]
    fell = list(accumulate(np.bincount(verdict - PASSED, minlength=len(RULES) + 1)[1:].tolist()))
    left = [len(verdict), *(len(verdict) - fell[PLACES[rule]] for _, rule in STAGES)]
    stages = [Stage(name, *counts) for (name, _), counts in zip(STAGES, pairwise(left), strict=True)]
    return (*stages, Stage("arbitration", left[-1], shown))
