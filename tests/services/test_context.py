"""What came with a request is known to the fit, to decisions, to replay and to `score` alike."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from tests.fakes.world import AS_OF, NOON, World
from tests.storage.records import a_decision

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest
from mia.domain.event import Event, EventKind
from mia.errors import InvalidInput
from mia.ports import ChampionChange
from mia.ranking.pairs import Context, build_pairs, numbers_of
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.services.train.examples import build_examples
from mia.timeline import DAY_SECONDS, MICROSECONDS, timestamp_of

DAY = DAY_SECONDS * MICROSECONDS
DAYS = 8


def ask_and_answer(opened: Workspace) -> None:
    """Who has money left when asked in the morning at the top of the page connects, others hardly ever."""
    rng = np.random.default_rng(2)
    people = pq.read_table(opened.lake.paths("subscribers"))["subscriber_id"].to_pylist()
    offers = [offer.id for offer in opened.current_offers()]
    events, decisions = [], []
    for number, one in enumerate(people * DAYS):
        day = AS_OF + number % DAYS
        at = day * DAY + int(rng.integers(4, 18)) * DAY // 24
        balance = float(rng.integers(0, 200))
        decision = a_decision(f"d{number}", subscriber_id=one, placement=["top", "feed"][number % 2])
        decision = replace(
            decision, request=replace(decision.request, at=at, context={"balance": balance, "page": "x"})
        )
        decisions.append(decision)
        chance = 0.6 if balance > 100 else 0.03
        for position, place in enumerate(rng.choice(len(offers), 3, replace=False), start=1):
            fields: dict[str, Any] = {"decision_id": decision.decision_id, "position": position, "propensity": 0.02}
            shown = Event(
                f"i{number} {position}", at, one, offers[place], EventKind.IMPRESSION, "app", day, "mia", **fields
            )
            events.append(shown)
            if rng.random() < chance:
                events.append(replace(shown, event_id=f"c{number} {position}", kind=EventKind.CONNECTION))
    opened.ledger.append_decisions(decisions)
    opened.ledger.append_events(events)


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory):
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("context"))))
    ask_and_answer(found)
    done = found.train(
        since_day=AS_OF, until=(AS_OF + 30) * DAY, attribution_days=1, fit={"trees": 60, "minimum_leaf": 20}
    )
    found.registry.make_champion(ChampionChange(done.version, AS_OF * DAY, "analyst", "promoted"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def ranker(opened: Workspace) -> LightGBMRanker:
    found = opened.ranker("champion" if opened.registry.champion() is None else str(opened.registry.champion()))
    assert isinstance(found, LightGBMRanker)
    return found


def decide(opened: Workspace, subscriber_id: str, **fields: Any) -> Decision:
    request = DecisionRequest(subscriber_id, "app", NOON, limit=100, placement="top", **fields)
    (kept,) = opened.ledger.append_decisions([opened.decisions.decide(request)])
    return kept


@pytest.fixture(scope="module")
def someone(opened: Workspace) -> str:
    people = pq.read_table(opened.lake.paths("subscribers")).to_pylist()
    return next(
        row["subscriber_id"]
        for row in people
        if row["personalisation"] and str(opened.arms.arm_of(row["subscriber_id"])) == "mia"
    )


def acceptance(decision: Decision) -> dict[str, float]:
    assert decision.fallback is None
    return {offer.offer_id: offer.acceptance for offer in decision.offers}


def test_the_model_knows_what_requests_carry(ranker: LightGBMRanker) -> None:
    assert ranker.schema.shown == ("context_balance", "hour", "weekday", "placement", "channel", "position")
    assert next(iter(ranker.gains())) == "context_balance"


def test_a_fresh_balance_changes_the_answer(opened: Workspace, someone: str) -> None:
    rich, poor, unknown = (
        acceptance(decide(opened, someone, context=context))
        for context in ({"balance": 180}, {"balance": 5.0, "colour": "red"}, {})
    )
    assert set(rich) == set(poor) == set(unknown)
    for offer_id, chance in rich.items():
        assert chance > 3 * poor[offer_id]
        # Every request of the training told the balance: one that is not told is taken for the middle one.
        assert poor[offer_id] <= unknown[offer_id] <= chance


def test_replay_knows_the_context(opened: Workspace, someone: str) -> None:
    kept = decide(opened, someone, context={"balance": 180.5, "huge": 2**62, "page": "home"})
    found = opened.decisions.replay(kept.decision_id)
    assert found.differences == ()
    assert found.rebuilt == kept


def test_pairs_are_scored_in_their_context(opened: Workspace, someone: str, tmp_path: Path) -> None:
    decision = decide(opened, someone, context={"balance": 42.5})
    path = tmp_path / "pairs.csv"
    head = "subscriber_id,offer_id,occurred_at,channel,placement,context_balance\n"
    asked = timestamp_of(NOON).isoformat()
    path.write_text(
        head + "".join(f"{someone},{offer.offer_id},{asked},app,top,42.5\n" for offer in decision.offers), "utf-8"
    )
    scored = opened.pair_scorer(str(opened.registry.champion())).score(path)
    assert scored["acceptance"].to_pylist() == list(acceptance(decision).values())
    path.write_text(head + f"{someone},{decision.offers[0].offer_id},{asked},app,top,plenty\n", "utf-8")
    with pytest.raises(InvalidInput, match="row 1, column context_balance: not a number"):
        opened.pair_scorer(str(opened.registry.champion())).score(path)
    path.write_text(head + f"{someone},{decision.offers[0].offer_id},{asked},app,,\n", "utf-8")
    assert len(opened.pair_scorer(str(opened.registry.champion())).score(path)) == 1


def test_the_fit_sees_the_columns_that_the_decision_saw(opened: Workspace, ranker: LightGBMRanker) -> None:
    """The context columns of a training row are those of the request of its decision."""
    examples = build_examples(
        opened.learning_log,
        opened.build_profiles,
        opened.current_offers(),
        zones=opened.zones,
        attribution_days=1,
        until=(AS_OF + 30) * DAY,
        since_day=AS_OF,
    )
    schema, width = ranker.schema, len(ranker.schema.shown)
    seen = schema.matrix(examples.pairs.at_first_position())[:, -width:]
    for row in range(0, len(examples), 977):
        request = opened.ledger.decision(examples.impressions.decision_ids[row]).request
        moment = timestamp_of(request.at).astimezone(
            opened.decisions._grouping.zone(examples.pairs.profiles.take(examples.pairs.rows[[row]]))
        )
        context = Context.constant(1, request.channel, request.placement, numbers_of(moment, request.context))
        one = examples.take(np.asarray([row]))
        served = build_pairs(
            one.pairs.profiles,
            one.pairs.offers,
            one.moment.rates(one.pairs.profiles),
            one.pairs.rows,
            one.pairs.cols,
            context,
        )
        assert schema.matrix(served)[0, -width:].tolist() == seen[row].tolist()


@pytest.mark.parametrize(
    "kind", ["lambdarank", *(pytest.param(name, marks=pytest.mark.slow) for name in ("logistic", "popular_by_region"))]
)
def test_any_ranker_goes_through_the_loop(opened: Workspace, someone: str, kind: str, tmp_path: Path) -> None:
    """Trained for acceptance, it is evaluated, promoted, decides, replays and scores in the order of acceptance."""
    before = str(opened.registry.champion())
    done = opened.train(
        since_day=AS_OF,
        until=(AS_OF + 30) * DAY,
        attribution_days=1,
        fit={"trees": 20, "minimum_leaf": 20},
        ranker=kind,
        objective="acceptance",
    )
    evaluation = orjson.loads((opened.registry.fetch(done.version) / "evaluation.json").read_bytes())
    assert (evaluation["ranker"], evaluation["objective"]) == (kind, "acceptance")
    assert evaluation["discount_given_anyway"] is None
    assert list(evaluation["table"]) == ["mia", "popular", "popular_by_region", "logistic"]
    if kind in evaluation["table"]:
        assert evaluation["table"]["mia"] == evaluation["table"][kind]
    opened.evaluator().evaluate(
        done.version, opened.current_offers(), until=(AS_OF + 30) * DAY, attribution_days=1, policies=()
    )
    opened.registry.make_champion(ChampionChange(done.version, AS_OF * DAY, "analyst", "promoted"))
    opened.decisions.reload()
    assert opened.decisions.model_version == done.version
    kept = next(one for one in iter(lambda: decide(opened, someone), None) if not one.explored)
    chances = list(acceptance(kept).values())
    assert chances == sorted(chances, reverse=True)
    worth = [offer.expected_value for offer in kept.offers]
    assert worth != sorted(worth, reverse=True)
    assert opened.decisions.replay(kept.decision_id).differences == ()
    opened.score_best(done.version, 3, as_of=AS_OF, out=tmp_path / "best.parquet")
    best = pq.read_table(tmp_path / "best.parquet").to_pylist()
    for one, two in pairwise(best):
        if one["subscriber_id"] == two["subscriber_id"]:
            assert one["acceptance"] >= two["acceptance"]
    opened.registry.make_champion(ChampionChange(before, AS_OF * DAY, "analyst", "promoted"))
    opened.decisions.reload()


def test_what_discounts_cost_lies_with_the_evidence(opened: Workspace) -> None:
    evaluation = orjson.loads((opened.registry.fetch("1") / "evaluation.json").read_bytes())
    assert (evaluation["ranker"], evaluation["objective"]) == ("lightgbm", "value")
    found = evaluation["discount_given_anyway"]
    assert set(found) == {"connections", "organic", "anyway", "share", "cost"}
    assert 0 <= found["anyway"] <= found["connections"]
    assert found["cost"] >= 0
