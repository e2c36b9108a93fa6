from dataclasses import replace

import numpy as np
import orjson
import pytest

from mia.evaluation.intervals import Estimate
from mia.evaluation.off_policy import (
    Logged,
    OffPolicy,
    OffPolicyLimits,
    Overlap,
    PolicyValue,
    Target,
    estimate_value,
    warnings_of,
)

GOOD = Overlap(5_000, 900.0, 0.3, Estimate(1.0, 0.95, 1.05), 0.004, 120)


@pytest.fixture
def value() -> PolicyValue:
    rng = np.random.default_rng(2)
    propensity = rng.uniform(0.1, 1.0, 300)
    slate = np.arange(300) // 3
    log = Logged((rng.random(300) < 0.3).astype(float), propensity, slate, np.arange(300) % 3, slate // 2)
    target = Target(rng.uniform(0, 1, 300), rng.random(300), rng.random(300))
    first = np.flatnonzero(log.place == 0)
    margin = 4 * log.reward
    return PolicyValue(
        estimate_value(log.take(first), target.take(first), margin[first], target.take(first), draws=50),
        estimate_value(log, target, margin, target, draws=50),
    )


def test_a_value_survives_json(value):
    assert PolicyValue.from_json(orjson.loads(orjson.dumps(value.to_json()))) == value
    single = PolicyValue(value.first, None)
    assert PolicyValue.from_json(orjson.loads(orjson.dumps(single.to_json()))) == single


def test_what_could_not_be_estimated_comes_back_as_no_number(value):
    blind = replace(value.first, connections={"snips": Estimate(np.nan, np.nan, np.nan)})
    found = OffPolicy.from_json(orjson.loads(orjson.dumps(blind.to_json())))
    assert np.isnan([found.connections["snips"].value, found.connections["snips"].low]).all()


def test_evaluations_of_earlier_versions_are_read():
    estimate = {"value": 0.1, "low": 0.05, "high": 0.2}
    found = PolicyValue.from_json({"ips": estimate, "snips": estimate, "effective_size": 80.0, "matched": 0.2})
    assert found.slate is None
    assert list(found.first.connections) == ["ips", "snips"]
    assert found.first.connections["ips"] == Estimate(0.1, 0.05, 0.2)
    assert found.first.overlap.effective_size == 80.0


def test_intervals_hold_their_values(value):
    for part in (value.first, value.slate):
        assert set(part.connections) == set(part.margin) == {"ips", "snips", "dm", "dr", "switch_dr", "dr_os"}
        for estimate in part.connections.values():
            assert estimate.low < estimate.value < estimate.high


def test_a_good_log_needs_no_warning():
    assert warnings_of(GOOD, OffPolicyLimits()) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effective_size": 150.0}, "5,000 rows count for only 150"),
        ({"answers": 7}, "only 7 of the rows"),
        ({"support": Estimate(0.6, 0.5, 0.7)}, "could not have held about 40% of its choices"),
        ({"support": Estimate(1.4, 1.2, 1.6)}, "average 1.40 instead of 1"),
        ({"heaviest": 0.2}, "a single row carries 20%"),
    ],
)
def test_a_log_that_cannot_answer_is_named(change, words):
    (found,) = warnings_of(replace(GOOD, **change), OffPolicyLimits())
    assert words in found


@pytest.mark.parametrize(
    "given",
    [{"minimum_effective_size": -1}, {"minimum_support": 1.5}, {"maximum_heaviest": 0.0}, {"minimum_answers": -1}],
)
def test_limits_that_cannot_be_are_refused(given):
    with pytest.raises(ValueError, match="minimum_"):
        OffPolicyLimits(**given)
