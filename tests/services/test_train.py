from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from tests.fakes.profiles import profiles_of_day
from tests.fakes.world import AS_OF, FIT, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.event import Event, EventKind
from mia.errors import InvalidInput, NotEnoughData, UnknownModel
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.services.train import Evaluated
from mia.services.train.examples import build_examples
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text

DAY = DAY_SECONDS * MICROSECONDS


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory):
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("train"))))
    yield found
    found.close()


@pytest.fixture(scope="module")
def evaluation(opened: Workspace) -> dict[str, Any]:
    return orjson.loads((opened.registry.fetch("1") / "evaluation.json").read_bytes())


def examples(opened: Workspace, until: int | None = None):
    return build_examples(
        opened.learning_log,
        opened.build_profiles,
        opened.current_offers(),
        zones=opened.zones,
        attribution_days=14,
        until=until or opened.end_of_events(),
    )


def evaluate(opened: Workspace, *policies: str, until: int | None = None) -> Evaluated:
    return opened.evaluator().evaluate(
        "1", opened.current_offers(), until=until or opened.end_of_events(), attribution_days=14, policies=policies
    )


def test_the_candidate_carries_its_evidence(opened: Workspace, evaluation: dict[str, Any]) -> None:
    folder = opened.registry.fetch("1")
    assert {path.name for path in folder.iterdir()} == {
        "MLmodel",
        "evaluation.json",
        "gains.svg",
        "input_example.json",
        "model-0.txt",
        "python_env.yaml",
        "ranker.json",
        "reliability.svg",
        "requirements.txt",
        "serving_input_example.json",
    }
    assert list(evaluation["table"]) == ["mia", "popular", "popular_by_region", "logistic"]
    assert list(evaluation["policies"]) == ["logged", *evaluation["table"], "plackett-luce:0.5"]
    logged = evaluation["policies"]["logged"]
    assert logged["dr"]["value"] == pytest.approx(logged["ips"]["value"]) == pytest.approx(logged["snips"]["value"])
    assert logged["effective_size"] == pytest.approx(logged["rows"])
    for figures in evaluation["policies"].values():
        for part in (figures, figures["slate"]):
            for name in ("ips", "snips", "dm", "dr", "switch_dr", "dr_os"):
                assert part[name]["low"] <= part[name]["value"] <= part[name]["high"]
                assert part["margin"][name]["value"] > part[name]["value"]
    for figures in evaluation["table"].values():
        assert figures["auc"]["low"] < figures["auc"]["value"] < figures["auc"]["high"]
    assert evaluation["champion"] is None
    (version,) = opened.registry.versions()
    assert version.metrics["auc"] == evaluation["table"]["mia"]["auc"]["value"]
    assert version.metrics["positives"] == evaluation["positives"]
    assert version.tags["trained_until"] == evaluation["trained_until"]


def test_what_is_tested_lies_later_than_what_was_learnt(opened: Workspace, evaluation: dict[str, Any]) -> None:
    impressions = examples(opened).impressions
    assert evaluation["trained_rows"] == len(impressions)
    first, last = evaluation["window"]
    later = impressions.local_day >= day_of_text(first)
    assert evaluation["rows"] == later.sum()
    assert evaluation["positives"] == impressions.labels[later].sum()
    assert day_of_text(last) == impressions.local_day.max()
    assert 0.15 < later.mean() < 0.3
    assert (evaluation["trained_from"], evaluation["trained_until"]) == ("2021-01-01", "2021-04-30")


def test_the_same_seed_gives_the_same_model(opened: Workspace) -> None:
    told: list[tuple[str, int, int]] = []
    again = opened.train(fit=FIT, progress=lambda *step: told.append(step))
    other = opened.train(fit=FIT | {"seed": 8})
    one, two, three = (opened.registry.fetch(version) for version in ("1", again.version, other.version))
    for name in ("model-0.txt", "ranker.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert (one / "model-0.txt").read_bytes() != (three / "model-0.txt").read_bytes()
    assert told[-1] == ("done", 4, 4)
    assert again.train_rows > again.test_rows > again.test_positives > 0


def test_it_learns_from_later_impressions_only_when_told_so(opened: Workspace) -> None:
    done = opened.train(since_day=day_of_text("2021-02-01"), fit=FIT)
    kept = orjson.loads((opened.registry.fetch(done.version) / "evaluation.json").read_bytes())
    assert kept["trained_from"] == "2021-02-01"
    days = examples(opened).impressions.local_day
    assert 0 < done.train_rows == (days >= day_of_text("2021-02-01")).sum() < len(days)


def test_it_is_measured_against_a_champion_that_has_not_seen_the_window(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    early = opened.train(until=day_of_text("2021-03-20") * DAY, fit=FIT)
    opened.promote(early.version)
    later = opened.train(fit=FIT)
    kept = orjson.loads((opened.registry.fetch(later.version) / "evaluation.json").read_bytes())["champion"]
    assert kept["version"] == early.version
    assert -0.5 < kept["auc_gain"]["low"] <= kept["auc_gain"]["value"] <= kept["auc_gain"]["high"] < 0.5
    # A champion whose files are gone is no measure, and no obstacle.
    champion = str(opened.registry.champion())
    (opened.registry.fetch(champion) / "ranker.json").write_text("{}")
    blind = opened.train(fit=FIT)
    kept = orjson.loads((opened.registry.fetch(blind.version) / "evaluation.json").read_bytes())
    assert kept["champion"] is None
    opened.close()


def test_the_ranking_says_more_than_the_popular_order(opened: Workspace, evaluation: dict[str, Any]) -> None:
    # Of 74 connections the lower end of the interval says little.
    assert evaluation["auc_gain_over_popular"]["value"] > 0.02
    pairs = examples(opened).pairs
    labels = examples(opened).impressions.labels
    scores = LightGBMRanker.load(opened.registry.fetch("1")).score(pairs.at_first_position())
    assert scores[labels > 0].mean() > 1.3 * scores[labels == 0].mean()
    assert scores.mean() == pytest.approx(labels.mean(), abs=0.02)


def test_without_later_impressions_the_figures_of_the_training_are_told(
    opened: Workspace, evaluation: dict[str, Any]
) -> None:
    found = evaluate(opened)
    assert not found.fresh
    assert (found.rows, found.positives) == (evaluation["rows"], evaluation["positives"])
    assert list(found.window) == evaluation["window"]
    assert found.table["mia"].to_json() == evaluation["table"]["mia"]
    assert set(found.policies) == {"logged", "mia", "popular", "popular_by_region", "plackett-luce:0.5"}
    assert {name: value.to_json() for name, value in found.policies.items()}.items() <= evaluation["policies"].items()
    assert (found.explored, found.decided, "logged" in found.warnings) == (0, 0, False)
    assert any("rows count for only" in reason for reason in found.warnings["mia"])
    assert set(evaluate(opened, "popular").policies) == {"logged", "popular"}
    with pytest.raises(NotEnoughData, match=r"plackett-luce:0.4 has no value: .* not valued in training"):
        evaluate(opened, "plackett-luce:0.4")


def later_impressions(opened: Workspace, propensity: float | None) -> None:
    """Answers of May: everybody sees one offer, and every third connects it."""
    everyone = profiles_of_day(opened.builder, opened.current_offers(), AS_OF).subscriber_ids
    offers = opened.current_offers()
    rng = np.random.default_rng(4)
    events = []
    for place, one in enumerate(everyone):
        day = AS_OF + 2 + place % 5
        offer = offers[int(rng.integers(len(offers)))]
        shown = Event(
            f"may {one}",
            day * DAY,
            one,
            offer.id,
            EventKind.IMPRESSION,
            "app",
            day,
            "mia",
            position=1,
            propensity=propensity,
        )
        events.append(shown)
        if place % 3 == 0:
            events.append(replace(shown, event_id=f"yes {one}", kind=EventKind.CONNECTION, occurred_at=day * DAY + 1))
    opened.ledger.append_events(events)


@pytest.mark.parametrize("propensity", [1 / 53, None])
def test_later_impressions_are_judged_afresh(world: World, tmp_path: Path, propensity: float | None) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    later_impressions(opened, propensity)
    until = (AS_OF + 40) * DAY
    found = evaluate(opened, until=until)
    assert found.fresh
    # What had not matured when the model was trained was not learnt from either.
    assert found.window == ("2021-05-03", "2021-05-07") or found.window[0] >= "2021-04-30"
    assert found.rows >= 240
    assert set(found.table) == {"mia", "popular", "popular_by_region"}
    if propensity is None:
        assert set(found.policies) <= {"logged", "mia", "popular", "popular_by_region", "plackett-luce:0.5"}
    else:
        assert set(found.policies) == {"logged", "mia", "popular", "popular_by_region", "plackett-luce:0.5"}
        greedy = [found.policies[name].first for name in ("mia", "popular", "popular_by_region")]
        assert all(0 < value.overlap.matched < 0.5 for value in greedy)
        assert all(value.connections["dm"].value > 0 for value in greedy)
        assert all("answered" in " ".join(found.warnings[name]) for name in ("mia", "popular"))
        other = evaluate(opened, "plackett-luce:2", "epsilon-uniform-0.1", until=until).policies
        assert set(other) == {"logged", "plackett-luce:2", "epsilon-uniform-0.1"}
        assert other["plackett-luce:2"].first.overlap.matched > greedy[0].overlap.matched
    opened.close()


def test_an_unknown_policy_or_version_is_refused(opened: Workspace) -> None:
    with pytest.raises(
        InvalidInput, match="no policy 'oracle'; there are logged, mia, popular, popular_by_region, and"
    ):
        evaluate(opened, "oracle")
    with pytest.raises(UnknownModel):
        opened.evaluator().evaluate("77", opened.current_offers(), until=1, attribution_days=14, policies=())


@pytest.mark.parametrize(
    ("until", "rule"),
    [
        ("2020-12-01", "no impressions before"),
        ("2021-01-10", "older than the attribution window"),
        ("2021-01-20", "too few days"),
    ],
)
def test_too_little_to_learn_from_is_refused(opened: Workspace, until: str, rule: str) -> None:
    before = len(opened.registry.versions())
    with pytest.raises(NotEnoughData, match=rule):
        opened.train(until=day_of_text(until) * DAY)
    assert len(opened.registry.versions()) == before


def test_offers_of_another_catalogue_are_left_out(opened: Workspace) -> None:
    everything = examples(opened)
    offers = opened.current_offers()[:10]
    some = build_examples(
        opened.learning_log,
        opened.build_profiles,
        offers,
        zones=opened.zones,
        attribution_days=14,
        until=opened.end_of_events(),
    )
    kept = np.isin(everything.impressions.offer_ids.astype(str), [offer.id for offer in offers])
    assert len(some) == kept.sum() > 0
    assert some.impressions.labels.tolist() == everything.impressions.labels[kept].tolist()
    with pytest.raises(NotEnoughData, match="current catalogue"):
        build_examples(
            opened.learning_log,
            opened.build_profiles,
            tuple(replace(offer, id=f"new {offer.id}") for offer in offers),
            zones=opened.zones,
            attribution_days=14,
            until=opened.end_of_events(),
        )
