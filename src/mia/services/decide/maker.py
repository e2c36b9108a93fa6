"""The decision maker: keeps the set in force, takes decisions, and rebuilds old ones."""

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
from mia.offers.contact import ContactHistory, history_of, no_history
from mia.ports import Ledger, Proposal
from mia.services.decide.live import Live, LiveLoader, cached
from mia.services.decide.named_policy import policy_of_name
from mia.services.decide.rank import Answer, rank
from mia.services.decide.weigh import Weighed, weigh
from mia.tables import MACRO_REGION, REGION, TIMEZONE
from mia.timeline import MICROSECONDS, timestamp_of

log = logging.getLogger(__name__)

RELOAD_EVERY = 5 * MICROSECONDS
UNLIMITED_USE = 2**31
FAILURES = (Fallback.LEDGER_UNAVAILABLE, Fallback.MODEL_FAILED)


@dataclass(frozen=True, slots=True)
class LocalFacts:
    """What an event of a subscriber is filled in with."""

    region: str | None
    macro_region: str | None
    timezone: str
    arm: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision rebuilt; `differences` names the fields that came out otherwise, and is empty when all is equal."""

    stored: Decision
    rebuilt: Decision
    differences: tuple[str, ...]


class DecisionMaker:
    """Takes decisions from the newest catalogue, champion, snapshot and policy; looks again every 5 seconds.

    An offer shown keeps its place in caps for `reservation` (microseconds), until its impression comes.
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
    ) -> None:
        self._ledger, self._newest, self._load = ledger, newest, cached(loader.load)
        self._arms, self._regions, self._default_timezone = arms, regions, default_timezone
        self._clock, self._new_id, self._reservation = clock, new_id, reservation
        self._live = self._load(newest())
        self._checked = clock()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self._live.catalogue

    @property
    def live(self) -> Live:
        """The set in force."""
        return self._live

    @property
    def versions(self) -> Versions:
        """The versions in force."""
        return self._live.versions

    @property
    def model_version(self) -> str | None:
        """The model in force, None when answers fall back."""
        return None if self._live.model is None else self._live.versions.model

    @property
    def snapshot(self) -> str | None:
        """The profile snapshot in force."""
        return self._live.versions.profile

    def reload(self) -> None:
        """Take over newer versions, if there are any; what cannot be loaded leaves the present set in force."""
        self._checked = self._clock()
        try:
            versions = self._newest()
            if versions != self._live.versions or self._live.without_model is Fallback.MODEL_FAILED:
                self._live = self._load(versions)
        except Exception:
            # A registry or lake that is away must not take serving with it.
            log.exception("newer versions could not be loaded; the present ones stay in force")

    def decide(self, request: DecisionRequest) -> Decision:
        """Answer a request. Nothing is stored yet; an unknown subscriber, a missing model or a ledger that is away
        give a fallback that says so.
        """
        if self._clock() - self._checked > RELOAD_EVERY:
            self.reload()
        live = self._live
        try:
            past = self._ledger.past(request.subscriber_id, at=request.at, budgets=live.budgets)
        except LedgerUnavailable:
            log.exception("the ledger cannot be read; deciding without contact history")
            return self.take_anew(request, None)
        return self._decide(live, request, past)

    def take_anew(self, request: DecisionRequest, past: Past | None) -> Decision:
        """Answer a request on this past and nothing else; None is a ledger that is away."""
        return self._decide(self._live, request, past)

    def propose(self, request: DecisionRequest) -> Proposal:
        """Answer a request so that the ledger can have it taken anew where it was overtaken."""
        return Proposal(self.decide(request), partial(self.take_anew, request))

    @property
    def budgets(self) -> Mapping[str, int]:
        """The most connections of the offers in force that can be connected only so often in all."""
        return self._live.budgets

    def trace(self, decision_id: str) -> Decision:
        """A stored decision with its trace; raises UnknownDecision."""
        return self._ledger.decision(decision_id)

    def replay(self, decision_id: str) -> Replayed:
        """Rebuild a stored decision from its versions, arm and ledger position, and compare.

        What had failed then is taken as failed again. Raises UnknownDecision, UnknownSnapshot for profiles that were
        pruned, and FeatureMismatch when model and profiles no longer belong together.
        """
        stored = self._ledger.decision(decision_id)
        live = self._load(stored.versions)
        if live.refusal is not None and stored.fallback is not Fallback.FEATURE_MISMATCH:
            raise live.refusal
        unread = stored.fallback is Fallback.LEDGER_UNAVAILABLE
        past = None if unread else self._past_of(stored)
        failed = stored.fallback if stored.fallback in FAILURES else None
        rebuilt = self._answer(live, stored.request, past, decision_id, failed, arm=stored.arm)
        # How long it kept its places is a fact about those that came after it.
        rebuilt = replace(rebuilt, reserved_until=stored.reserved_until)
        # Decisions from before policies were files counted other stages.
        counted = ("stages", "dropped") if policy_of_name(stored.versions.policy) is None else ()
        names = ("seed", "explored", "fallback", "offers", *counted)
        return Replayed(
            stored, rebuilt, tuple(name for name in names if getattr(stored, name) != getattr(rebuilt, name))
        )

    def weigh(self, request: DecisionRequest, upto: tuple[int, int] | None = None) -> Weighed:
        """What a request of the personalised arm weighs offers by, with the events and decisions up to two positions
        (all by default).
        """
        live, profile = self._live, self._live.find(request.subscriber_id)
        history = self._history(live, request, self._ledger.past(request.subscriber_id, at=request.at, upto=upto))
        moment = timestamp_of(request.at).astimezone(self._zone(profile))
        return weigh(live, request, profile, history, arm=Arm.MIA, moment=moment, failed=None)

    def local_facts(self, subscriber_id: str) -> LocalFacts:
        """Region, time zone and arm of a subscriber; only the arm is known of one without a profile."""
        profile = self._live.find(subscriber_id)
        region = _attribute(profile, REGION)
        known = self._regions.get(region or "")
        return LocalFacts(
            region,
            _attribute(profile, MACRO_REGION) or (known.macro_region if known else None),
            _attribute(profile, TIMEZONE) or (known.timezone if known else self._default_timezone),
            str(self._arms.arm_of(subscriber_id)),
        )

    def _decide(self, live: Live, request: DecisionRequest, past: Past | None) -> Decision:
        failed = Fallback.LEDGER_UNAVAILABLE if past is None else None
        arm = str(self._arms.arm_of(request.subscriber_id))
        return self._answer(live, request, past, self._new_id(), failed, arm=arm)

    def _answer(
        self,
        live: Live,
        request: DecisionRequest,
        past: Past | None,
        decision_id: str,
        failed: Fallback | None,
        *,
        arm: str,
    ) -> Decision:
        seed = int.from_bytes(hashlib.blake2b(decision_id.encode(), digest_size=7).digest())
        profile = live.find(request.subscriber_id)
        moment = timestamp_of(request.at).astimezone(self._zone(profile))
        history = self._no_history(live) if past is None else self._history(live, request, past)
        answer: Answer = rank(live, request, profile, history, arm=arm, seed=seed, moment=moment, failed=failed)
        known = past or Past()
        return Decision(
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
        )

    def _past_of(self, stored: Decision) -> Past:
        """What a stored decision was taken on."""
        positions = stored.ledger_position, stored.decision_position
        past = self._ledger.past(stored.request.subscriber_id, at=stored.request.at, upto=positions)
        return replace(past, exhausted=frozenset(stored.exhausted))

    def _history(self, live: Live, request: DecisionRequest, past: Past) -> ContactHistory:
        # Of a budget it only matters whether anything is left.
        totals = dict.fromkeys(past.exhausted, UNLIMITED_USE)
        at = request.at
        return history_of(past.contacts(at), totals, live.eligibility.book, at=at)

    def _no_history(self, live: Live) -> ContactHistory:
        """Without the ledger nothing says how much of a budget is left: treat every budget as used up."""
        history = no_history(1, live.eligibility.book, {})
        return replace(history, total_connections=history.total_connections + UNLIMITED_USE)

    def _zone(self, profile: Profiles | None) -> tzinfo:
        known = self._regions.get(_attribute(profile, REGION) or "")
        return ZoneInfo(_attribute(profile, TIMEZONE) or (known.timezone if known else self._default_timezone))


def _attribute(profile: Profiles | None, name: str) -> str | None:
    values = None if profile is None else profile.attributes.get(name)
    return None if values is None or values[0] is None else str(values[0])
