"""The decision maker: keeps the set in force, takes decisions, and swaps in newer sets once they are warm."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat

from mia.domain.decision import Decision, DecisionRequest, Fallback, Versions
from mia.domain.past import Past
from mia.domain.region import Region
from mia.domain.subscriber import Arm, ArmSplit
from mia.errors import LedgerUnavailable
from mia.offers.catalogue import Catalogue
from mia.ports import Ledger, ProfileReader, Proposal
from mia.services.decide.budget import Within, at_once
from mia.services.decide.force import Force
from mia.services.decide.group import Asked, Group, Grouping, text
from mia.services.decide.histories import Histories
from mia.services.decide.live import Live, LiveLoader, Sets
from mia.services.decide.newcomers import Newcomers
from mia.services.decide.rank import Answer, rank
from mia.services.decide.replay import Replayed, Traced, replay, trace
from mia.services.decide.taken import Taken
from mia.services.decide.weigh import Weighed, weigh
from mia.tables import MACRO_REGION, REGION, TIMEZONE

log = logging.getLogger(__name__)

WHERE = (REGION, MACRO_REGION, TIMEZONE)
"""Attributes of a subscriber that say where its events belong."""
MOST_TOGETHER, OFFERS_TOGETHER = 64, 8_192
"""Requests that are decided together, and candidates before the rules of all of them."""
FAILURES = (Fallback.LEDGER_UNAVAILABLE, Fallback.MODEL_FAILED, Fallback.MODEL_SLOW)


@dataclass(frozen=True, slots=True)
class LocalFacts:
    """What an event of a subscriber is filled in with."""

    region: str | None
    macro_region: str | None
    timezone: str
    arm: str


class DecisionMaker:
    """Takes decisions from the set in force. Nothing is loaded while a request waits: `reload` looks for newer
    versions, loads them, tries them on recent requests, and then puts them into force in one step.

    `besides_model` are the newest versions to begin with where the registry cannot be read, `newcomers` the subscribers
    of the lake that a snapshot does not know; `score_within`, `read_within` and `look_within` run the model, the
    reading of the past and the looking up of decisions within their time budgets. An offer shown keeps its place in
    caps for `reservation` (microseconds), until its impression comes.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        loader: LiveLoader,
        newest: Callable[[], Versions],
        arms: ArmSplit,
        regions: Mapping[str, Region],
        default_timezone: str,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        reservation: int,
        besides_model: Callable[[], Versions] | None = None,
        newcomers: Callable[[ProfileReader], Newcomers] = lambda _: Newcomers(),
        score_within: Within = at_once,
        read_within: Within = at_once,
        look_within: Within = at_once,
    ) -> None:
        self._sets, self._histories = Sets(loader.load), Histories(ledger)
        self._arms, self._regions, self._default_timezone = arms, regions, default_timezone
        self._grouping = Grouping(regions, default_timezone)
        self._new_id, self._score_within = new_id, score_within
        self._read_within, self._look_within = read_within, look_within
        self._reservation = reservation
        self._force = Force(self._sets, newest, besides_model or newest, newcomers, clock)
        self._is_reading = True

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self._force.live.catalogue

    @property
    def live(self) -> Live:
        """The set in force."""
        return self._force.live

    @property
    def versions(self) -> Versions:
        """The versions in force."""
        return self._force.live.versions

    @property
    def model_version(self) -> str | None:
        """The model in force, None when answers fall back."""
        return None if self._force.live.model is None else self._force.live.versions.model

    @property
    def snapshot(self) -> str | None:
        """The profile snapshot in force."""
        return self._force.live.versions.profile

    @property
    def policy(self) -> str:
        """The policy in force."""
        return self._force.live.versions.policy

    @property
    def trouble(self) -> str | None:
        """Why newer versions, if there are any, are not in force."""
        return self._force.trouble

    @property
    def is_warm(self) -> bool:
        """Whether the set in force has answered requests."""
        return self._force.is_warm

    def warm(self) -> None:
        """Try the set in force on a few requests; see `Force.warm`."""
        self._force.warm(self._attempt)

    def reload(self) -> None:
        """Put newer versions into force, if there are any; see `Force.renew`. Blocks while it loads."""
        self._force.renew(self._attempt)

    def decide(self, request: DecisionRequest) -> Decision:
        """Answer a request. Nothing is stored yet; an unknown subscriber, a missing model or a ledger that is away
        give a fallback that says so.
        """
        (decision,) = self._take(self._live_for([request]), [request], self._score_within)
        return decision

    def take_anew(self, request: DecisionRequest, past: Past | None) -> Decision:
        """Answer a request on this past and nothing else; None is a ledger that is away."""
        (decision,) = self._decide(self.live, [request], None if past is None else [past], at_once)
        return decision

    def propose(self, requests: Sequence[DecisionRequest]) -> list[Proposal | Exception]:
        """Answer one or more requests together, each as if it were alone, so that the ledger can have it taken anew
        where it was overtaken; of one that cannot be answered, the error.
        """
        try:
            decisions = self._take(self._live_for(requests), requests, self._score_within)
        except Exception as error:
            if len(requests) == 1:
                return [error]
            # Alone, only those fail that have to.
            return [self.propose([request])[0] for request in requests]
        return [
            Proposal(decision, partial(self.take_anew, request))
            for request, decision in zip(requests, decisions, strict=True)
        ]

    @property
    def together(self) -> int:
        """How many requests are worth deciding together: beyond so many offers they only wait for one another."""
        return max(1, min(MOST_TOGETHER, OFFERS_TOGETHER // max(1, len(self.catalogue.offers))))

    @property
    def budgets(self) -> Mapping[str, int]:
        """The most connections of the offers in force that can be connected only so often in all."""
        return self.live.budgets

    def weigh(self, request: DecisionRequest, upto: tuple[int, int] | None = None) -> Weighed:
        """What a request of the personalised arm weighs offers by, with the events and decisions up to two positions
        (all by default).
        """
        asked = Asked(request, Arm.MIA, self._histories.upto(request, upto))
        ((_, group),) = self._grouping.groups(self.live, [asked], None)
        (weighed,) = weigh(self.live, group)
        return weighed

    def retake(self, stored: Decision) -> Taken:
        """Take a stored decision again, from its versions, arm and ledger positions.

        What had failed then is taken as failed again. Raises UnknownSnapshot for profiles that were pruned, and
        FeatureMismatch when model and profiles no longer belong together.
        """
        live = self._sets.of(stored.versions)
        if live.refusal is not None and stored.fallback is not Fallback.FEATURE_MISMATCH:
            raise live.refusal
        past = None if stored.fallback is Fallback.LEDGER_UNAVAILABLE else self._histories.then(stored)
        asked = Asked(stored.request, stored.arm, past, stored.attributes)
        failed = stored.fallback if stored.fallback in FAILURES else None
        ((_, group),) = self._grouping.groups(live, [asked], failed)
        (answer,) = rank(live, group, [seed_of(stored.decision_id)])
        decision = self._decision(live, stored.decision_id, asked, group, answer)
        # How long it kept its places is a fact about those that came after it.
        decision = replace(decision, reserved_until=stored.reserved_until)
        return Taken(decision, live, group.profiles, group.history.row(0), group.moments[0], answer)

    def replay(self, decision_id: str) -> Replayed:
        """Rebuild a stored decision and compare; see `mia.services.decide.replay.replay`."""
        return replay(self, decision_id)

    def traced(self, decision_id: str) -> Traced:
        """A stored decision with its losers; see `mia.services.decide.replay.trace`."""
        return trace(self, decision_id)

    def trace(self, decision_id: str) -> Decision:
        """A decision as the ledger holds it; raises UnknownDecision."""
        return self._histories.ledger.decision(decision_id)

    def find_decisions(self, decision_ids: Sequence[str]) -> Mapping[str, Decision]:
        """Those of the decisions that the ledger holds, by id; raises LedgerUnavailable, also where it says nothing."""
        try:
            found = self._look_within(lambda: self._histories.ledger.find_decisions(decision_ids))
        except TimeoutError as error:
            raise LedgerUnavailable(f"decisions cannot be looked up: {error}") from error
        return {decision.decision_id: decision for decision in found}

    def local_facts(self, subscriber_id: str) -> LocalFacts:
        """Region, time zone and arm of a subscriber; only the arm is known of one that nobody has heard of."""
        live = self._force.live
        found = None if live.profiles is None else live.profiles.attributes(subscriber_id, WHERE)
        known = found or self._force.newcomers.find(subscriber_id) or {}
        region = text(known.get(REGION))
        place = self._regions.get(region or "")
        return LocalFacts(
            region,
            text(known.get(MACRO_REGION)) or (place.macro_region if place else None),
            text(known.get(TIMEZONE)) or (place.timezone if place else self._default_timezone),
            str(self._arms.arm_of(subscriber_id)),
        )

    def _live_for(self, requests: Sequence[DecisionRequest]) -> Live:
        self._force.recent.extend(requests)
        return self.live

    def _attempt(self, live: Live, request: DecisionRequest) -> Decision:
        (decision,) = self._take(live, [request], at_once)
        return decision

    def _take(self, live: Live, requests: Sequence[DecisionRequest], within: Within) -> list[Decision]:
        pasts: Sequence[Past] | None = None
        try:
            pasts = self._read_within(lambda: self._histories.newest(live, requests))
            self._is_reading = True
        except (LedgerUnavailable, TimeoutError):
            if self._is_reading:
                log.exception("the ledger cannot be read; deciding without contact history")
            self._is_reading = False
        return self._decide(live, requests, pasts, within)

    def _decide(
        self, live: Live, requests: Sequence[DecisionRequest], pasts: Sequence[Past] | None, within: Within
    ) -> list[Decision]:
        ids = [self._new_id() for _ in requests]
        asked = [
            Asked(
                request,
                str(self._arms.arm_of(request.subscriber_id)),
                past,
                self._force.newcomers.find(request.subscriber_id),
            )
            for request, past in zip(requests, repeat(None, len(requests)) if pasts is None else pasts, strict=True)
        ]
        found: dict[int, Decision] = {}
        failed = Fallback.LEDGER_UNAVAILABLE if pasts is None else None
        for places, group in self._grouping.groups(live, asked, failed):
            answers = rank(live, group, [seed_of(ids[place]) for place in places], within=within)
            for place, answer in zip(places, answers, strict=True):
                found[place] = self._decision(live, ids[place], asked[place], group, answer)
        return [found[place] for place in range(len(requests))]

    def _decision(self, live: Live, decision_id: str, asked: Asked, group: Group, answer: Answer) -> Decision:
        known = asked.past or Past()
        return Decision(
            decision_id,
            asked.request,
            asked.arm,
            live.versions,
            seed_of(decision_id),
            known.position,
            answer.explored,
            answer.fallback,
            answer.offers,
            answer.stages,
            answer.dropped,
            decision_position=known.decision_position,
            reserved_until=asked.request.at + self._reservation,
            exhausted=tuple(sorted(known.exhausted)),
            empty_reason=answer.empty_reason,
            attributes=asked.attributes if group.is_newcomer else None,
        )


def seed_of(decision_id: str) -> int:
    """What drives the exploration of a decision."""
    return int.from_bytes(hashlib.blake2b(decision_id.encode(), digest_size=7).digest())
