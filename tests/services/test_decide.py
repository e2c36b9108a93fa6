"""Decisions on a real workspace, with single parts replaced by ones that fail."""

from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.fakes.policies import a_policy
from tests.fakes.world import AS_OF, NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback, Rule, Versions
from mia.domain.event import Channel, Event, EventKind
from mia.domain.offer import Language, Limits
from mia.errors import LedgerUnavailable, UnknownDecision, UnknownModel
from mia.offers.catalogue import Catalogue
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.services.decide import DecisionMaker, LiveLoader
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
MINUTE = 60 * MICROSECONDS
GREEDY = a_policy(exploration={"epsilon": 0.0})


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


class Parts:
    """A decision maker over the workspace; every part can be replaced."""

    def __init__(
        self, opened: Workspace, *, versions: Versions | None = None, ledger: Any = None, **loader: Any
    ) -> None:
        self.opened, self.clock = opened, Clock()
        self.newest = versions or opened.newest_versions()
        numbers = count(1)
        parts = {
            "load_catalogue": opened.catalogue,
            "load_model": self.load_model,
            "profiles": opened.profiles,
            "load_policy": lambda version: GREEDY if version == GREEDY.version else opened.policy(version),
        }
        self.maker = DecisionMaker(
            ledger=ledger or opened.ledger,
            loader=LiveLoader(**(parts | loader)),
            newest=lambda: self.newest,
            arms=opened.arms,
            regions=opened.regions,
            default_timezone="UTC",
            clock=self.clock,
            new_id=lambda: f"d{next(numbers)}",
            reservation=15 * 60 * MICROSECONDS,
        )

    def load_model(self, version: str) -> LightGBMRanker:
        return LightGBMRanker.load(self.opened.registry.fetch(version))

    def decide(self, subscriber_id: str, channel: str = "app", **fields: Any) -> Decision:
        return self.maker.decide(DecisionRequest(subscriber_id, channel, fields.pop("at", NOON), **fields))


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory):
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("decide"))))
    yield found
    found.close()


@pytest.fixture(scope="module")
def people(opened: Workspace) -> dict[str, list[str]]:
    """Subscribers with a profile: of the arms, and those that opted out."""
    rows = pq.read_table(opened.lake.paths("subscribers")).to_pylist()
    known = [row for row in rows if opened.profiles.find(str(opened.profiles.current()), row["subscriber_id"])]
    arms: dict[str, list[str]] = {"mia": [], "control": [], "opted out": []}
    for row in known:
        arm = str(opened.arms.arm_of(row["subscriber_id"]))
        arms[arm if row["personalisation"] else "opted out"].append(row["subscriber_id"])
    assert all(arms.values())
    return arms


@pytest.fixture(scope="module")
def greedy(opened: Workspace) -> Parts:
    return Parts(opened, versions=replace(opened.newest_versions(), policy=GREEDY.version))


def popular_order(parts: Parts, decision: Decision) -> list[str]:
    """Offers that may be shown, by what others connect, margin and priority."""
    live = parts.maker._force.live
    shown = {offer.offer_id for offer in decision.offers}
    allowed = shown | {offer_id for offer_id, rule in decision.dropped.items() if rule == Rule.RANK}
    rate = dict(zip((offer.id for offer in live.catalogue.offers), live.rates.offer[-1], strict=True))
    offers = {offer.id: offer for offer in live.catalogue.offers}

    def worth(offer_id: str) -> tuple[float, float]:
        return (-rate[offer_id] * offers[offer_id].value * offers[offer_id].priority, -rate[offer_id])

    return sorted(allowed, key=worth)


def require_popular(parts: Parts, decision: Decision) -> None:
    order = popular_order(parts, decision)
    assert [offer.offer_id for offer in decision.offers] == order[: decision.request.limit]
    assert all(offer.reasons == () for offer in decision.offers)
    assert decision.offers


def test_a_personalised_answer(greedy: Parts, people: dict[str, list[str]]) -> None:
    reasons = 0
    orders = set()
    for subscriber_id in people["mia"][:40]:
        decision = greedy.decide(subscriber_id, limit=4)
        assert (decision.arm, decision.fallback, decision.explored) == ("mia", None, False)
        assert [offer.position for offer in decision.offers] == [1, 2, 3, 4]
        worth = [offer.expected_value for offer in decision.offers]
        assert worth == sorted(worth, reverse=True)
        for offer in decision.offers:
            listed = greedy.maker.catalogue.offer(offer.offer_id)
            assert offer.expected_value == pytest.approx(offer.acceptance * listed.value * listed.priority)
            assert 0 < offer.acceptance < 1
            assert offer.propensity == 1.0
            assert len(offer.reasons) <= 3
            reasons += len(offer.reasons)
        orders.add(tuple(offer.offer_id for offer in decision.offers))
    assert reasons > 20
    assert len(orders) > 10


def test_dropped_and_shown_are_the_catalogue_and_stages_add_up(greedy: Parts, people: dict[str, list[str]]) -> None:
    everything = {offer.id for offer in greedy.maker.catalogue.offers}
    last_rule = {
        "validity": Rule.EXPIRED,
        "channel": Rule.CHANNEL,
        "consent": Rule.CONSENT,
        "eligibility": Rule.CONNECTED,
        "limits": Rule.SUBSCRIBER_LIMIT,
        "contact": Rule.TOTAL_CAP,
        "budget": Rule.TOTAL_LIMIT,
        "arbitration": Rule.RANK,
    }
    rules = list(Rule)
    for subscriber_id in (*people["mia"][:30], *people["control"][:5], *people["opted out"], "nobody"):
        for channel in (Channel.APP, Channel.CALL_CENTRE):
            decision = greedy.decide(subscriber_id, channel)
            shown = {offer.offer_id for offer in decision.offers}
            assert shown | set(decision.dropped) == everything
            assert shown.isdisjoint(decision.dropped)
            assert [stage.name for stage in decision.stages] == list(last_rule)
            assert (decision.stages[0].entered, decision.stages[-1].passed) == (len(everything), len(shown))
            first = 0
            for stage, after in zip(decision.stages, (*decision.stages[1:], None), strict=True):
                upto = rules.index(last_rule[stage.name])
                fell = sum(decision.dropped[offer_id] in rules[first : upto + 1] for offer_id in decision.dropped)
                assert stage.entered - stage.passed == fell
                assert after is None or after.entered == stage.passed
                first = upto + 1


def test_never_empty_while_an_offer_is_allowed(opened: Workspace, people: dict[str, list[str]]) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise LedgerUnavailable("away")

    versions = opened.newest_versions()
    makers = [
        Parts(opened),
        Parts(opened, versions=replace(versions, model=None)),
        Parts(opened, versions=replace(versions, model=None, profile=None)),
        Parts(opened, ledger=Broken()),
    ]
    for parts in makers:
        for subscriber_id in (*people["mia"][:15], people["control"][0], people["opted out"][0], "nobody"):
            decision = parts.decide(subscriber_id)
            left = sum(rule == Rule.RANK for rule in decision.dropped.values())
            assert len(decision.offers) == 3 or not left
            assert decision.offers


def test_an_unknown_subscriber_gets_what_anyone_may_see(greedy: Parts) -> None:
    decision = greedy.decide("nobody")
    assert decision.fallback is Fallback.UNKNOWN_SUBSCRIBER
    require_popular(greedy, decision)
    for offer in decision.offers:
        listed = greedy.maker.catalogue.offer(offer.offer_id)
        assert not listed.eligible_if
        assert not listed.regions


@pytest.mark.parametrize("subscriber_id", ["", "\0meta", "x" * 600, "абонент"])
def test_any_id_is_answered(greedy: Parts, subscriber_id: str) -> None:
    assert greedy.decide(subscriber_id).fallback is Fallback.UNKNOWN_SUBSCRIBER


def test_who_opted_out_is_not_personalised(greedy: Parts, people: dict[str, list[str]]) -> None:
    for subscriber_id in people["opted out"]:
        decision = greedy.decide(subscriber_id)
        assert decision.fallback is Fallback.OPTED_OUT
        require_popular(greedy, decision)


def test_the_control_arm_is_not_personalised_and_is_no_fallback(greedy: Parts, people: dict[str, list[str]]) -> None:
    for subscriber_id in people["control"]:
        decision = greedy.decide(subscriber_id)
        assert (decision.arm, decision.fallback) == ("control", None)
        require_popular(greedy, decision)


def greedy_parts(opened: Workspace, **changes: Any) -> Parts:
    versions = replace(opened.newest_versions(), policy=GREEDY.version, **changes.pop("versions", {}))
    return Parts(opened, versions=versions, **changes)


def raising(error: Exception) -> Any:
    def fail(*_: object) -> Any:
        raise error

    return fail


class OtherProfiles:
    """The profile store, with snapshots that say they were made of other features."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def fingerprint(self, snapshot: str) -> str:
        return "another"


class BadModel:
    """A model that loads, and then fails in one of several ways."""

    def __init__(self, model: LightGBMRanker, score: Any) -> None:
        self.fingerprint, self.objective = model.fingerprint, model.objective
        self._score = score

    places: ClassVar[dict[str, int]] = {}

    def score(self, pairs: Any) -> np.ndarray:
        return self._score(pairs)

    def contributions(self, pairs: Any, which: Any) -> np.ndarray:
        raise RuntimeError("no contributions")


def scores_nan(pairs: Any) -> np.ndarray:
    return np.full(len(pairs), np.nan)


def test_without_a_model_the_answer_says_so(opened: Workspace, people: dict[str, list[str]]) -> None:
    parts = greedy_parts(opened, versions={"model": None})
    decision = parts.decide(people["mia"][0])
    assert (decision.fallback, parts.maker.model_version) == (Fallback.NO_MODEL, None)
    require_popular(parts, decision)


def test_other_features_are_refused(opened: Workspace, people: dict[str, list[str]], caplog: Any) -> None:
    parts = greedy_parts(opened, profiles=OtherProfiles(opened.profiles))
    decision = parts.decide(people["mia"][0])
    assert decision.fallback is Fallback.FEATURE_MISMATCH
    require_popular(parts, decision)
    assert "another" in caplog.text


@pytest.mark.parametrize(
    "error", [UnknownModel("1"), OSError("disk"), MemoryError(), Exception("whatever MLflow throws")]
)
def test_a_model_that_cannot_be_loaded(opened: Workspace, people: dict[str, list[str]], error: Exception) -> None:
    parts = greedy_parts(opened, load_model=raising(error))
    decision = parts.decide(people["mia"][0])
    assert decision.fallback is Fallback.MODEL_FAILED
    require_popular(parts, decision)


@pytest.mark.parametrize("score", [raising(Exception("LightGBM")), raising(IndexError()), scores_nan])
def test_a_model_that_fails_on_a_request(opened: Workspace, people: dict[str, list[str]], score: Any) -> None:
    model = LightGBMRanker.load(opened.registry.fetch("1"))
    parts = greedy_parts(opened, load_model=lambda _: BadModel(model, score))
    decision = parts.decide(people["mia"][0])
    assert decision.fallback is Fallback.MODEL_FAILED
    require_popular(parts, decision)


def test_a_model_that_cannot_explain_itself_still_ranks(opened: Workspace, people: dict[str, list[str]]) -> None:
    model = LightGBMRanker.load(opened.registry.fetch("1"))
    parts = greedy_parts(opened, load_model=lambda _: BadModel(model, model.score))
    decision, whole = parts.decide(people["mia"][0]), greedy_parts(opened).decide(people["mia"][0])
    assert decision.fallback is None
    assert [replace(offer, reasons=()) for offer in whole.offers] == list(decision.offers)


class Away:
    """The ledger, away from the `after`-th call on."""

    def __init__(self, ledger: Any, after: int = 0) -> None:
        self.ledger, self.left = ledger, after

    def __getattr__(self, name: str) -> Any:
        self.left -= 1
        if self.left < 0:
            raise LedgerUnavailable("away")
        return getattr(self.ledger, name)


def test_without_the_ledger_the_answer_says_so(opened: Workspace, people: dict[str, list[str]]) -> None:
    decision = greedy_parts(opened, ledger=Away(opened.ledger)).decide(people["mia"][0])
    assert decision.fallback is Fallback.LEDGER_UNAVAILABLE
    assert decision.offers


def with_limits(catalogue: Catalogue, **limits: int) -> Any:
    offers = tuple(
        replace(offer, limits=Limits(total=limits[offer.id])) if offer.id in limits else offer
        for offer in catalogue.offers
    )
    return lambda _: Catalogue(catalogue.version, offers)


def test_budgets_are_counted_to_the_last_event(opened: Workspace, people: dict[str, list[str]], tmp_path: Any) -> None:
    chosen = greedy_parts(opened).decide(people["mia"][1]).offers[0].offer_id
    taken = opened.ledger.connections_by_offer().get(chosen, 0)
    parts = greedy_parts(opened, load_catalogue=with_limits(opened.catalogue(), **{chosen: taken + 2}))
    for already in range(3):
        decision = parts.decide(people["mia"][1])
        assert decision.ledger_position == opened.ledger.position()
        assert decision.dropped.get(chosen) == (Rule.TOTAL_LIMIT if already == 2 else None)
        opened.ledger.append_events([an_event(f"budget {already}", "elsewhere", chosen, EventKind.CONNECTION)])
    away = greedy_parts(
        opened, ledger=Away(opened.ledger), load_catalogue=with_limits(opened.catalogue(), **{chosen: 10**6})
    )
    assert away.decide(people["mia"][1]).dropped[chosen] == Rule.TOTAL_LIMIT


def test_places_are_kept_until_an_impression_comes_or_time_is_over(
    opened: Workspace, people: dict[str, list[str]]
) -> None:
    caps = [{"per": "offer", "at_most": 1, "within_days": 30}]
    once = a_policy(exploration={"epsilon": 0.0}, caps=caps)
    parts = Parts(opened, load_policy=lambda _: once)
    subscriber_id = people["mia"][4]

    def ask(at: int) -> Decision:
        proposal = parts.maker.propose(DecisionRequest(subscriber_id, "app", at, limit=1))
        (stood,) = opened.ledger.commit([], [proposal])[1]
        assert isinstance(stood, Decision)
        return stood

    first, second = ask(NOON), ask(NOON + MINUTE)
    assert second.dropped[first.offers[0].offer_id] == Rule.SEEN_TOO_OFTEN
    shown = replace(
        an_event("it was seen", subscriber_id, first.offers[0].offer_id, EventKind.IMPRESSION, NOON + MINUTE),
        decision_id=first.decision_id,
    )
    opened.ledger.append_events([shown])
    after = ask(NOON + 30 * MINUTE)
    assert after.dropped[first.offers[0].offer_id] == Rule.SEEN_TOO_OFTEN
    assert after.offers[0].offer_id == second.offers[0].offer_id
    # Both decisions rest on the same moment: the ledger has the later one take another offer.
    one, other = (parts.maker.propose(DecisionRequest(subscriber_id, "web", NOON + DAY // 2, limit=1)) for _ in "ab")
    stood = opened.ledger.commit([], [one, other])[1]
    assert stood[0] == one.decision
    assert stood[1].offers[0].offer_id != one.decision.offers[0].offer_id
    for decision in (first, second, after, *stood):
        found = parts.maker.replay(decision.decision_id)
        assert found.differences == ()
        assert found.rebuilt == decision


def an_event(event_id: str, subscriber_id: str, offer_id: str, kind: EventKind, at: int = NOON) -> Event:
    return Event(event_id, at, subscriber_id, offer_id, kind, "web", at // DAY, "mia")


def test_contact_rules_hold_across_channels(opened: Workspace, greedy: Parts, people: dict[str, list[str]]) -> None:
    subscriber_id = people["mia"][2]
    first, second, third = (offer.offer_id for offer in greedy.decide(subscriber_id).offers)
    shown = [
        an_event(f"seen {number}", subscriber_id, first, EventKind.IMPRESSION, NOON - number * DAY)
        for number in range(12)
    ]
    declined = an_event("no", subscriber_id, second, EventKind.DECLINE, NOON - 29 * DAY)
    connected = an_event("yes", subscriber_id, third, EventKind.CONNECTION, NOON - DAY)
    opened.ledger.append_events([*shown, declined, connected])
    decision = greedy.decide(subscriber_id)
    assert decision.dropped[first] == Rule.SEEN_TOO_OFTEN
    assert decision.dropped[second] == Rule.DECLINED
    assert decision.dropped[third] == Rule.CONNECTED
    rested = greedy.decide(subscriber_id, at=NOON + DAY)
    assert rested.dropped.get(second) != Rule.DECLINED


def test_exploring_answers_carry_their_propensities(opened: Workspace, people: dict[str, list[str]]) -> None:
    parts = Parts(opened)
    usual = greedy_parts(opened).decide(people["mia"][3])
    allowed = len(usual.offers) + sum(rule == Rule.RANK for rule in usual.dropped.values())
    explored = 0
    for _ in range(200):
        decision = parts.decide(people["mia"][3])
        explored += decision.explored
        for offer, best in zip(decision.offers, usual.offers, strict=True):
            expected = 0.1 / allowed + 0.9 * (offer.offer_id == best.offer_id)
            assert offer.propensity == pytest.approx(expected)
        if not decision.explored:
            assert [offer.offer_id for offer in decision.offers] == [offer.offer_id for offer in usual.offers]
    assert 5 <= explored <= 40


def test_the_day_is_that_of_the_subscriber(opened: Workspace, people: dict[str, list[str]]) -> None:
    catalogue = opened.catalogue()
    parts = greedy_parts(
        opened,
        load_catalogue=lambda _: Catalogue(
            catalogue.version, tuple(replace(offer, valid_from=None, valid_to=None) for offer in catalogue.offers)
        ),
    )
    subscriber_id = next(one for one in people["mia"] if parts.maker.local_facts(one).timezone == "Asia/Yekaterinburg")
    facts = parts.maker.local_facts(subscriber_id)
    assert (facts.macro_region, facts.arm) == ("Urals", "mia")
    chosen = parts.decide(subscriber_id).offers[0].offer_id
    ending = tuple(
        replace(offer, valid_to=np.datetime64(AS_OF, "D").astype(object)) if offer.id == chosen else offer
        for offer in catalogue.offers
    )
    parts = greedy_parts(opened, load_catalogue=lambda _: Catalogue(catalogue.version, ending))
    local_midnight = (AS_OF + 1) * DAY - 5 * 3_600 * MICROSECONDS
    assert chosen not in parts.decide(subscriber_id, at=local_midnight - 1).dropped
    assert parts.decide(subscriber_id, at=local_midnight).dropped[chosen] == Rule.EXPIRED


def test_of_a_stranger_only_the_arm_is_known(greedy: Parts, opened: Workspace) -> None:
    facts = greedy.maker.local_facts("nobody")
    assert (facts.region, facts.macro_region, facts.timezone) == (None, None, "UTC")
    assert facts.arm == str(opened.arms.arm_of("nobody"))


def test_newer_versions_are_taken_over_by_a_reload_and_never_by_a_request(
    opened: Workspace, people: dict[str, list[str]]
) -> None:
    parts = Parts(opened)
    parts.newest = replace(parts.newest, policy=GREEDY.version)
    parts.clock.now += DAY
    assert parts.decide(people["mia"][0]).versions.policy != GREEDY.version
    parts.maker.reload()
    assert parts.decide(people["mia"][0]).versions.policy == GREEDY.version
    parts.newest = replace(parts.newest, catalogue="gone")
    parts.maker.reload()
    assert parts.maker.versions.policy == GREEDY.version
    assert parts.decide(people["mia"][0]).fallback is None


def test_a_registry_that_is_away_takes_nothing_with_it(
    opened: Workspace, people: dict[str, list[str]], caplog: Any
) -> None:
    parts = Parts(opened)
    parts.maker._force.newest = raising(Exception("the registry is away"))
    parts.maker.reload()
    assert "the registry is away" in caplog.text
    assert parts.decide(people["mia"][0]).fallback is None


def test_a_model_that_could_not_be_loaded_is_tried_again(opened: Workspace, people: dict[str, list[str]]) -> None:
    attempts = []

    def load(version: str) -> LightGBMRanker:
        attempts.append(version)
        if len(attempts) < 3:
            raise OSError("not yet")
        return LightGBMRanker.load(opened.registry.fetch(version))

    parts = Parts(opened, load_model=load)
    found = []
    for _ in range(4):
        found.append(parts.decide(people["mia"][0]).fallback)
        parts.maker.reload()
    assert found == [Fallback.MODEL_FAILED, Fallback.MODEL_FAILED, None, None]
    assert attempts == ["1", "1", "1"]


def test_language_and_seed(opened: Workspace, people: dict[str, list[str]]) -> None:
    one, other = greedy_parts(opened), greedy_parts(opened)
    russian, english = one.decide(people["mia"][0]), other.decide(people["mia"][0], language=Language.EN)
    assert russian.seed == english.seed
    assert [offer.offer_id for offer in russian.offers] == [offer.offer_id for offer in english.offers]
    codes = [[reason.code for reason in offer.reasons] for offer in russian.offers]
    assert codes == [[reason.code for reason in offer.reasons] for offer in english.offers]
    assert one.decide(people["mia"][0]).seed != russian.seed


def test_an_unknown_decision_has_no_trace(greedy: Parts) -> None:
    with pytest.raises(UnknownDecision):
        greedy.maker.trace("d-unheard-of")
