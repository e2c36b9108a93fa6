"""From candidates to an answer: rules, scores, arbitration, exploration, reasons. Pure: replay runs this same code."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, pairwise
from typing import overload

import numpy as np

from mia.domain.decision import DecisionRequest, Fallback, RankedOffer, Reason, Rule, Stage
from mia.domain.offer import Language, Offer
from mia.frames import Floats, Ints
from mia.offers.contact import Room
from mia.offers.eligibility import PASSED, PLACES, RULES, Candidates
from mia.ranking.explanation import explain, is_explainable
from mia.ranking.exploration import Prospects, Slate, draw_behind
from mia.services.decide.budget import Within, at_once
from mia.services.decide.group import Group
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
    stages: Sequence[Stage]
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


@dataclass(frozen=True, eq=False)
class Counted(Sequence[Stage]):
    """How many candidates each stage was given and let through; only who asks has it counted."""

    candidates: Candidates
    shown: int

    @overload
    def __getitem__(self, place: int) -> Stage: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Stage]: ...

    def __getitem__(self, place: int | slice) -> Stage | Sequence[Stage]:
        return self._stages[place]

    def __len__(self) -> int:
        return len(self._stages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def _stages(self) -> tuple[Stage, ...]:
        verdict = self.candidates.verdict[0]
        fell = list(accumulate(np.bincount(verdict - PASSED, minlength=len(RULES) + 1)[1:].tolist()))
        left = [len(verdict), *(len(verdict) - fell[PLACES[rule]] for _, rule in STAGES)]
        stages = [Stage(name, *counts) for (name, _), counts in zip(STAGES, pairwise(left), strict=True)]
        return (*stages, Stage("arbitration", left[-1], self.shown))


def rank(live: Live, group: Group, seeds: Sequence[int], *, within: Within = at_once) -> list[Answer]:
    """Answer the requests of a group, each by a seed of its own; `within` runs the model within its time budget."""
    every = weigh(live, group, within=within)
    drawn = [_draw(live, group, place, weighed, seeds[place]) for place, weighed in enumerate(every)]
    reasons = _reasons(live, group, every, [one.slate.order for one in drawn])
    return [_answer(live, *each) for each in zip(every, drawn, reasons, strict=True)]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What is shown of some candidates, and which had to stay out since their category has too many."""

    worth: Floats
    prospects: Prospects
    slate: Slate
    crowded: Ints


def _draw(live: Live, group: Group, place: int, weighed: Weighed, seed: int) -> _Drawn:
    request = group.requests[place]
    worth = weighed.worth(live.arbitration, request)
    prospects = weighed.prospects(worth, live.doubt)
    room = Room.left(live.eligibility.book, group.history, request.channel, place)
    return _Drawn(worth, prospects, *_slate(live, request, weighed, prospects, room, seed))


def _answer(live: Live, weighed: Weighed, drawn: _Drawn, reasons: Sequence[tuple[Reason, ...]]) -> Answer:
    passed, crowded = weighed.passed, drawn.crowded
    order, listed = drawn.slate.order, live.catalogue.offers
    shown = zip(
        passed[order].tolist(),
        weighed.acceptance[order].tolist(),
        drawn.worth[order].tolist(),
        drawn.slate.propensity.tolist(),
        reasons,
        strict=True,
    )
    offers = tuple(
        RankedOffer(listed[place].id, position, acceptance, worth, propensity, why)
        for position, (place, acceptance, worth, propensity, why) in enumerate(shown, start=1)
    )
    candidates = weighed.candidates.without(Rule.CATEGORY_CAP, passed[crowded]) if len(crowded) else weighed.candidates
    return Answer(
        offers,
        Counted(candidates, len(offers)),
        Losers(listed, candidates, frozenset(offer.offer_id for offer in offers)),
        drawn.slate.explored,
        weighed.fallback,
        passed,
        drawn.prospects,
    )


def _slate(
    live: Live, request: DecisionRequest, weighed: Weighed, prospects: Prospects, room: Room | None, seed: int
) -> tuple[Slate, Ints]:
    """Mandatory offers first, then those that the policy draws, as many as the caps have room for; and which of the
    candidates had to stay out since their category has too many.
    """
    first = live.eligibility.mandatory[weighed.passed]
    rest, free = ~first, request.limit
    crowded = np.zeros(0, np.int64)
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


def _reasons(
    live: Live, group: Group, every: Sequence[Weighed], orders: Sequence[Ints]
) -> list[Sequence[tuple[Reason, ...]]]:
    """Reasons for what each request is shown; those of one language on the same pairs are told at once."""
    found: list[Sequence[tuple[Reason, ...]]] = [[()] * len(order) for order in orders]
    alike: dict[tuple[int, Language], list[int]] = {}
    for place, weighed in enumerate(every):
        if weighed.pairs is not None and len(orders[place]):
            alike.setdefault((id(weighed.pairs), group.requests[place].language), []).append(place)
    for places in alike.values():
        for place, told in zip(places, _told(live, group, every, orders, places), strict=True):
            found[place] = told
    return found


def _told(
    live: Live, group: Group, every: Sequence[Weighed], orders: Sequence[Ints], places: list[int]
) -> list[Sequence[tuple[Reason, ...]]]:
    pairs, model = every[places[0]].pairs, live.model
    if pairs is None or not is_explainable(model):
        return [[()] * len(orders[place]) for place in places]
    which = np.concatenate([every[place].first + orders[place] for place in places])
    try:
        told = iter(explain(model, pairs, which, group.requests[places[0]].language))
    except Exception:
        if len(places) > 1:
            # Alone, only those go without reasons that have to.
            return [_told(live, group, every, orders, [place])[0] for place in places]
        # An answer without reasons is better than none.
        log.exception("model %s could not explain itself", live.versions.model)
        return [[()] * len(which)]
    return [list(islice(told, len(orders[place]))) for place in places]
