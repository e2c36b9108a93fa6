"""The report on a live model: every figure by hand, every colour by its limit, nothing judged on too little."""

import numpy as np
import pyarrow as pa
import pytest

from mia.evaluation.drift import stability_index
from mia.evaluation.gate import Colour
from mia.evaluation.health import Facts, Health, MonitorLimits, Population
from mia.evaluation.health.page import render_page
from mia.evaluation.measures import Scored

ROWS = 2_000
LIMITS = MonitorLimits()


def population(shift: float = 0.0, rows: int = ROWS, seed: int = 1) -> Population:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([rng.normal(shift, 1.0, rows), rng.normal(0.0, 1.0, rows)])
    scores = 1 / (1 + np.exp(-(matrix[:, 0] - 2)))
    regions = np.where(np.arange(rows) % 2 == 0, "Perm", "Kurgan").astype(object)
    return Population(matrix, scores, regions, ("2021-03-01", "2021-03-31"))


def answers(scores: np.ndarray, seed: int = 2) -> Scored:
    labels = (np.random.default_rng(seed).random(len(scores)) < scores).astype(float)
    return Scored(labels, np.arange(len(scores)), np.arange(len(scores)))


def decisions(*rows: tuple[str | None, bool, int]) -> pa.Table:
    return pa.table(
        {
            "day": pa.array([18_700] * len(rows), pa.int64()),
            "model": pa.array(["1"] * len(rows), pa.string()),
            "fallback": pa.array([row[0] for row in rows], pa.string()),
            "explored": pa.array([row[1] for row in rows], pa.bool_()),
            "decisions": pa.array([row[2] for row in rows], pa.int64()),
        }
    )


def facts(recent: Population | None, *, own_auc: float = 0.75, age: int = 10, seed: int = 2, **given: object) -> Facts:
    scores = population(rows=20_000, seed=5).scores
    known = {
        "scores": scores,
        "answers": answers(scores, seed),
        "decisions": decisions((None, False, 85), (None, True, 10), ("no_model", False, 5)),
    } | given
    return Facts(
        version="1",
        until=18_720 * 86_400_000_000,
        days=30,
        columns=("fresh", "steady"),
        gains={"fresh": 0.75, "steady": 0.25},
        learnt=population(),
        recent=recent,
        answers_window=("2021-03-01", "2021-03-31"),
        own_auc=own_auc,
        age_days=age,
        **known,  # type: ignore[arg-type]
    )


def colours(health: Health) -> dict[str, str]:
    return {check.name: check.colour.value for check in health.checks}


def test_nothing_has_moved_and_all_is_green() -> None:
    health = Health(facts(population(seed=3)), LIMITS)
    assert set(colours(health).values()) == {"green"}
    assert health.colour is Colour.GREEN


def test_drift_is_found_where_it_is() -> None:
    moved = population(shift=1.0, seed=3)
    health = Health(facts(moved), LIMITS)
    first = stability_index(population().matrix[:, 0], moved.matrix[:, 0])
    second = stability_index(population().matrix[:, 1], moved.matrix[:, 1])
    assert health.weighted_drift == pytest.approx(0.75 * first + 0.25 * second)
    assert list(health.feature_drift) == ["fresh", "steady"]
    found = colours(health)
    assert found["feature_drift"] == found["score_drift"] == found["region_drift"] == "red"
    assert set(health.regions) == {"Perm", "Kurgan"}
    assert health.colour is Colour.RED


def test_a_region_that_moved_alone_is_named() -> None:
    now = population(seed=3)
    scores = np.where(now.regions == "Perm", now.scores * 0.3, now.scores)
    health = Health(facts(Population(now.matrix, scores, now.regions, now.window)), LIMITS)
    assert next(iter(health.regions)) == "Perm"
    (check,) = [check for check in health.checks if check.name == "region_drift"]
    assert check.colour is Colour.RED
    assert "Perm" in check.note


def test_shares_of_decisions_are_weighed_by_their_number() -> None:
    health = Health(facts(population(seed=3)), LIMITS)
    assert health.facts.share_of_decisions("fallback") == pytest.approx(0.05)
    assert health.facts.share_of_decisions("explored") == pytest.approx(0.10)
    worse = facts(population(seed=3), decisions=decisions((None, True, 50), ("model_failed", False, 50)))
    assert {colours(Health(worse, LIMITS))[name] for name in ("fallbacks", "exploration")} == {"red"}


def test_a_model_that_promises_too_much_is_red() -> None:
    scores = population(rows=20_000, seed=5).scores
    health = Health(facts(population(seed=3), scores=np.minimum(2.5 * scores, 0.99)), LIMITS)
    assert colours(health)["calibration_error"] == "red"


def test_an_auc_that_fell_for_certain_is_told() -> None:
    shuffled = np.random.default_rng(1).permutation(population(rows=20_000, seed=5).scores)
    found = colours(Health(facts(population(seed=3), scores=shuffled), LIMITS))
    assert found["auc_fall"] == "red"
    assert colours(Health(facts(population(seed=3), own_auc=0.7), LIMITS))["auc_fall"] == "green"


def test_an_old_model_is_amber_then_red() -> None:
    assert colours(Health(facts(population(seed=3), age=60), LIMITS))["model_age"] == "amber"
    assert colours(Health(facts(population(seed=3), age=121), LIMITS))["model_age"] == "red"


def test_too_little_is_not_judged() -> None:
    few = Health(facts(population(rows=100, seed=3), answers=None, decisions=decisions()), LIMITS)
    found = colours(few)
    assert found.pop("model_age") == "green"
    assert set(found.values()) == {"grey"}
    assert Health(facts(None), LIMITS).feature_drift == {}


def test_the_page_holds_every_check_and_nothing_from_elsewhere() -> None:
    health = Health(facts(population(shift=0.5, seed=3)), LIMITS)
    page = render_page(health)
    assert all(check.name in page for check in health.checks)
    assert page.count("<svg") == 5
    assert "src=" not in page
    assert "<script" not in page


def test_the_page_of_a_model_that_nobody_asks() -> None:
    page = render_page(Health(facts(None, answers=None, decisions=decisions()), LIMITS))
    assert "no decisions in the last 30 days" in page
