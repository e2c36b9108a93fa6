"""From candidates to what each is worth: rules and scores. Pure, like all that replay runs again."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np

from mia.domain.decision import DecisionRequest, Fallback
from mia.domain.subscriber import Arm
from mia.frames import Floats, Ints, Profiles
from mia.offers.consent import opted_out
from mia.offers.eligibility import Candidates
from mia.ranking.arbitration import Arbitration, Objective
from mia.ranking.exploration import Prospects
from mia.ranking.pairs import Context, Pairs, build_pairs, numbers_of
from mia.ranking.rankers.base import Ranker
from mia.services.decide.budget import Within, at_once
from mia.services.decide.group import Group
from mia.services.decide.live import Live

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The n offers of one request that passed the rules, as numbers in the catalogue, with the acceptance of each.
    `pairs` are what they were scored on, beginning with the row `first`; None in an order that is not personalised.
    """

    candidates: Candidates
    passed: Ints
    acceptance: Floats
    objective: Objective
    pairs: Pairs | None
    first: int
    fallback: Fallback | None

    def worth(self, arbitration: Arbitration, request: DecisionRequest) -> Floats:
        """Expected value of each (n)."""
        return arbitration.worth(self.acceptance, self.passed, request.channel, request.placement)

    def prospects(self, worth: Floats, doubt: Floats) -> Prospects:
        """What the policy chooses among; `doubt` is that of all offers of the catalogue."""
        return Prospects(self.objective.merit(self.acceptance, worth), self.acceptance, doubt[self.passed])


@dataclass(frozen=True, slots=True)
class _Scored:
    """The acceptance of the offers of one request, which are the pairs from row `first` on."""

    pairs: Pairs
    first: int
    acceptance: Floats


def weigh(live: Live, group: Group, *, within: Within = at_once) -> list[Weighed]:
    """Apply the rules to each request and score what they leave; `within` runs the model within its time budget."""
    checked = _check(live, group)
    passed = [np.flatnonzero(one.passed[0]) for one in checked]
    fallbacks = _fallbacks(live, group)
    wanted = [
        place
        for place, fallback in enumerate(fallbacks)
        if fallback in (None, Fallback.NO_PROFILE) and group.arms[place] == Arm.MIA and len(passed[place])
    ]
    scored: dict[int, _Scored | Fallback] = {}
    if wanted and group.profiles is not None and live.model is not None:
        scored = _score(live, group, (live.model, group.profiles), passed, wanted, within)
    return [
        _weighed(live, group, place, checked[place], passed[place], scored.get(place, fallback))
        for place, fallback in enumerate(fallbacks)
    ]


def _weighed(
    live: Live, group: Group, place: int, candidates: Candidates, passed: Ints, found: _Scored | Fallback | None
) -> Weighed:
    if isinstance(found, _Scored):
        # Whoever is scored has a profile, or is a newcomer and has attributes.
        fallback = Fallback.NO_PROFILE if group.is_newcomer else None
        model = live.model
        objective = Objective.VALUE if model is None else model.objective
        return Weighed(candidates, passed, found.acceptance, objective, found.pairs, found.first, fallback)
    acceptance = _popularity(live, group, group.requests[place])[passed]
    # Replay may hold a model that could not be read then: every fallback is ordered without asking one.
    asked = live.model is not None and found in (None, Fallback.NO_PROFILE)
    objective = live.model.objective if asked and live.model is not None else Objective.VALUE
    return Weighed(candidates, passed, acceptance, objective, None, 0, found)


def _check(live: Live, group: Group) -> list[Candidates]:
    """The verdicts on the candidates of each request, those of one channel and day at once."""
    if group.profiles is None:
        (request,), (situation,) = group.requests, _situations(live, group)
        channel, on, minute = situation
        rules = live.eligibility
        return [rules.check(None, group.history, channel=channel, on=on, minute=minute, region=request.region)]
    alike: dict[tuple[str, date, int | None], list[int]] = {}
    for place, situation in enumerate(_situations(live, group)):
        alike.setdefault(situation, []).append(place)
    found: dict[int, Candidates] = {}
    for (channel, on, minute), places in alike.items():
        profiles, history = group.profiles, group.history
        if len(places) < len(group):
            rows = np.asarray(places, np.int64)
            profiles, history = profiles.take(rows), history.take(rows)
        checked = live.eligibility.check(profiles, history, channel=channel, on=on, minute=minute)
        found |= {place: checked.row(row) for row, place in enumerate(places)}
    return [found[place] for place in range(len(group))]


def _situations(live: Live, group: Group) -> Iterator[tuple[str, date, int | None]]:
    """Channel, local day and, where quiet hours may hold, minute of each request."""
    for request, moment in zip(group.requests, group.moments, strict=True):
        outbound = request.channel in live.eligibility.contact.outbound
        yield request.channel, moment.date(), 60 * moment.hour + moment.minute if outbound else None


def _fallbacks(live: Live, group: Group) -> Sequence[Fallback | None]:
    if group.failed is not None:
        return [group.failed] * len(group)
    if group.profiles is None:
        return [Fallback.UNKNOWN_SUBSCRIBER]
    other = live.without_model or (Fallback.NO_PROFILE if group.is_newcomer else None)
    return [Fallback.OPTED_OUT if out else other for out in opted_out(group.profiles).tolist()]


def _popularity(live: Live, group: Group, request: DecisionRequest) -> Floats:
    """How often each offer is connected: by all, or in the region that the request of an unknown subscriber names."""
    place = None if group.profiles is not None else live.rates.regions.get(request.region or "")
    return np.asarray(live.rates.offer[-1] if place is None else live.rates.region[-1, place])


def _score(
    live: Live,
    group: Group,
    asked: tuple[Ranker, Profiles],
    passed: Sequence[Ints],
    places: list[int],
    within: Within,
) -> dict[int, _Scored | Fallback]:
    """The scores of some requests of a group at once, or what stands in their way."""
    model, profiles = asked
    try:
        pairs = _pairs(live, group, profiles, passed, places)
        acceptance = within(partial(_scored, model, pairs))
    except TimeoutError:
        log.warning("model %s took longer than its time budget", live.versions.model)
        return dict.fromkeys(places, Fallback.MODEL_SLOW)
    except Exception:
        # Whatever the model throws, the subscriber is answered.
        if len(places) > 1:
            # Alone, only those fall back that have to.
            return {place: _score(live, group, asked, passed, [place], within)[place] for place in places}
        log.exception("model %s failed on a request", live.versions.model)
        return dict.fromkeys(places, Fallback.MODEL_FAILED)
    found: dict[int, _Scored | Fallback] = {}
    first = 0
    for place in places:
        behind = first + len(passed[place])
        found[place] = _Scored(pairs, first, acceptance[first:behind])
        first = behind
    return found


def _pairs(live: Live, group: Group, profiles: Profiles, passed: Sequence[Ints], places: list[int]) -> Pairs:
    asked = [
        (one.channel, one.placement, numbers_of(group.moments[place], one.context))
        for place, one in ((place, group.requests[place]) for place in places)
    ]
    sizes = np.asarray([len(passed[place]) for place in places], np.int64)
    rows, cols = np.repeat(np.asarray(places, np.int64), sizes), np.concatenate([passed[place] for place in places])
    return build_pairs(profiles, live.table, live.rates, rows, cols, Context.of_requests(sizes, asked))


def _scored(model: Ranker, pairs: Pairs) -> Floats:
    """Acceptance of the pairs; raises ArithmeticError when it is no number."""
    acceptance = model.score(pairs)
    if not np.isfinite(acceptance).all():
        raise ArithmeticError("the model scored something that is not a number")
    return acceptance
