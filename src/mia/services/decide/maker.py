"""The decision maker: keeps the set in force, takes decisions, and swaps in newer sets once they are warm."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from zoneinfo import ZoneInfo

from mia.domain.decision import Decision, DecisionRequest, Fallback, Versions
from mia.domain.past import Past
from mia.domain.region import Region
from mia.domain.subscriber import Arm, ArmSplit
from mia.errors import LedgerUnavailable
from mia.frames import Profiles
from mia.offers.catalogue import Catalogue
from mia.ports import Ledger, ProfileReader, Proposal
from mia.services.decide.budget import Within, at_once
from mia.services.decide.force import Force
from mia.services.decide.histories import Histories, contact_history
from mia.services.decide.live import Live, LiveLoader, Sets
from mia.services.decide.newcomers import Attributes, Newcomers, profile_of
from mia.services.decide.rank import rank
from mia.services.decide.replay import Replayed, Traced, replay, trace
from mia.services.decide.taken import Taken
from mia.services.decide.weigh import Weighed, weigh
from mia.tables import MACRO_REGION, REGION, TIMEZONE
from mia.timeline import timestamp_of

log = logging.getLogger(__name__)

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
    of the lake that a snapshot does not know; `score_within` and `read_within` run the model and the ledger within
    their time budgets. An offer shown keeps its place in caps for `reservation` (microseconds), until its impression
    comes.
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
    ) -> None:
        self._sets, self._histories = Sets(loader.load), Histories(ledger)
        self._arms, self._regions, self._default_timezone = arms, regions, default_timezone
        self._new_id, self._score_within, self._read_within = new_id, score_within, read_within
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
        self._force.recent.append(request)
        return self._take(self.live, request, self._score_within)

    def take_anew(self, request: DecisionRequest, past: Past | None) -> Decision:
        """Answer a request on this past and nothing else; None is a ledger that is away."""
        return self._decide(self.live, request, past, at_once)

    def propose(self, request: DecisionRequest) -> Proposal:
        """Answer a request so that the ledger can have it taken anew where it was overtaken."""
        return Proposal(self.decide(request), partial(self.take_anew, request))

    @property
    def budgets(self) -> Mapping[str, int]:
        """The most connections of the offers in force that can be connected only so often in all."""
        return self.live.budgets

    def weigh(self, request: DecisionRequest, upto: tuple[int, int] | None = None) -> Weighed:
        """What a request of the personalised arm weighs offers by, with the events and decisions up to two positions
        (all by default).
        """
        live, profile = self.live, self.live.find(request.subscriber_id)
        history = contact_history(live, request, self._histories.upto(request, upto))
        moment = timestamp_of(request.at).astimezone(self._zone(profile))
        return weigh(live, request, profile, history, arm=Arm.MIA, moment=moment, failed=None)

    def retake(self, stored: Decision) -> Taken:
        """Take a stored decision again, from its versions, arm and ledger positions.

        What had failed then is taken as failed again. Raises UnknownSnapshot for profiles that were pruned, and
        FeatureMismatch when model and profiles no longer belong together.
        """
        live = self._sets.of(stored.versions)
        if live.refusal is not None and stored.fallback is not Fallback.FEATURE_MISMATCH:
            raise live.refusal
        taken = self._answer(
            live,
            stored.request,
            None if stored.fallback is Fallback.LEDGER_UNAVAILABLE else self._histories.then(stored),
            stored.decision_id,
            stored.fallback if stored.fallback in FAILURES else None,
            arm=stored.arm,
            attributes=stored.attributes,
            within=at_once,
        )
        # How long it kept its places is a fact about those that came after it.
        return replace(taken, decision=replace(taken.decision, reserved_until=stored.reserved_until))

    def replay(self, decision_id: str) -> Replayed:
        """Rebuild a stored decision and compare; see `mia.services.decide.replay.replay`."""
        return replay(self, decision_id)

    def traced(self, decision_id: str) -> Traced:
        """A stored decision with its losers; see `mia.services.decide.replay.trace`."""
        return trace(self, decision_id)

    def trace(self, decision_id: str) -> Decision:
        """A decision as the ledger holds it; raises UnknownDecision."""
        return self._histories.ledger.decision(decision_id)

    def local_facts(self, subscriber_id: str) -> LocalFacts:
        """Region, time zone and arm of a subscriber; only the arm is known of one that nobody has heard of."""
        live = self._force.live
        profile = self._profile(live, subscriber_id, self._force.newcomers.find(subscriber_id))
        region = _attribute(profile, REGION)
        known = self._regions.get(region or "")
        return LocalFacts(
            region,
            _attribute(profile, MACRO_REGION) or (known.macro_region if known else None),
            _attribute(profile, TIMEZONE) or (known.timezone if known else self._default_timezone),
            str(self._arms.arm_of(subscriber_id)),
        )

    def _attempt(self, live: Live, request: DecisionRequest) -> Decision:
        return self._take(live, request, at_once)

    def _take(self, live: Live, request: DecisionRequest, within: Within) -> Decision:
        past: Past | None = None
        try:
            past = self._read_within(lambda: self._histories.newest(live, request))
            self._is_reading = True
        except (LedgerUnavailable, TimeoutError):
            if self._is_reading:
                log.exception("the ledger cannot be read; deciding without contact history")
            self._is_reading = False
        return self._decide(live, request, past, within)

    def _decide(self, live: Live, request: DecisionRequest, past: Past | None, within: Within) -> Decision:
        return self._answer(
            live,
            request,
            past,
            self._new_id(),
            Fallback.LEDGER_UNAVAILABLE if past is None else None,
            arm=str(self._arms.arm_of(request.subscriber_id)),
            attributes=self._force.newcomers.find(request.subscriber_id),
            within=within,
        ).decision

    def _answer(
        self,
        live: Live,
        request: DecisionRequest,
        past: Past | None,
        decision_id: str,
        failed: Fallback | None,
        *,
        arm: str,
        attributes: Attributes | None,
        within: Within,
    ) -> Taken:
        seed = int.from_bytes(hashlib.blake2b(decision_id.encode(), digest_size=7).digest())
        profile = live.find(request.subscriber_id)
        attributes = None if profile is not None else attributes
        if attributes is not None:
            profile = self._profile(live, request.subscriber_id, attributes)
        moment = timestamp_of(request.at).astimezone(self._zone(profile, request.region))
        history, known = contact_history(live, request, past), past or Past()
        answer = rank(
            live,
            request,
            profile,
            history,
            arm=arm,
            seed=seed,
            moment=moment,
            failed=failed,
            is_newcomer=attributes is not None,
            within=within,
        )
        decision = Decision(
            decision_id,
            request,
            arm,
            live.versions,
            seed,
            known.position,
            answer.explored,
            answer.fallback,
            answer.offers,
            answer.stages,
            answer.dropped,
            decision_position=known.decision_position,
            reserved_until=request.at + self._reservation,
            exhausted=tuple(sorted(known.exhausted)),
            empty_reason=answer.empty_reason,
            attributes=attributes,
        )
        return Taken(decision, live, profile, history, moment, answer)

    def _profile(self, live: Live, subscriber_id: str, attributes: Attributes | None) -> Profiles | None:
        """The profile of a subscriber, else what is known of a newcomer in the form of one."""
        found = live.find(subscriber_id)
        if found is not None or attributes is None or live.profiles is None:
            return found
        return profile_of(subscriber_id, attributes, live.profiles.blank)

    def _zone(self, profile: Profiles | None, region: str | None = None) -> tzinfo:
        known = self._regions.get((region if profile is None else _attribute(profile, REGION)) or "")
        return ZoneInfo(_attribute(profile, TIMEZONE) or (known.timezone if known else self._default_timezone))


def _attribute(profile: Profiles | None, name: str) -> str | None:
    values = None if profile is None else profile.attributes.get(name)
    return None if values is None or values[0] is None else str(values[0])
