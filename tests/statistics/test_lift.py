"""What lift promises, on experiments of known truth. `--junit-xml FILE` keeps what was measured."""

import numpy as np
import pytest
from tests.fakes.experiments import Trial

from mia.uptake.lift.balance import check_balance
from mia.uptake.lift.measure import Outcomes, Scale, measure_groups
from mia.uptake.lift.moments import Moments
from mia.uptake.lift.plan import Baseline, Design
from mia.uptake.lift.rules import LiftRules

RULES = LiftRules()
EXPERIMENTS = 500
KNOWN = {
    "a tenth in control, lift of 30 %": Trial(200, 1_800, 40, 0.02, 1.0, 60, 0.3),
    "a fifth in control, lift of 15 %": Trial(400, 1_600, 40, 0.02, 0.7, 60, 0.15),
    "a loss of 20 %": Trial(300, 1_700, 40, 0.02, 0.7, 60, -0.2),
    "thin, no history, no spread": Trial(200, 1_800, 60, 0.005, 0.0, 0, 0.2),
}


def missed(ends, truth):
    """Where an interval was shown and does not hold the truth."""
    low, high = ends
    return (low > truth) | (high < truth)


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_intervals_cover_a_known_lift(name: str, record_property) -> None:
    trial = KNOWN[name]
    found = trial.effects(EXPERIMENTS, 2013, RULES)
    lift = np.full(trial.days, trial.lift)
    coverage = {
        "difference, last day": 1 - missed(found.interval, trial.truth)[:, -1].mean(),
        "relative, last day": 1 - missed(found.relative_interval, lift)[:, -1].mean(),
        "difference, every day": 1 - missed(found.anytime_interval, trial.truth).any(1).mean(),
        "relative, every day": 1 - missed(found.anytime_relative_interval, lift).any(1).mean(),
    }
    for figure, value in coverage.items():
        record_property(figure, round(float(value), 3))
    assert min(coverage.values()) >= 0.93
    assert np.isfinite(found.anytime_interval[0][:, -1]).all()
    # Read daily, the interval for one look breaks its word: the other one is needed.
    assert missed(found.interval, trial.truth).any(1).mean() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    "trial",
    [Trial(200, 1_800, 60, 0.02, 1.0, 60, 0.0), Trial(1_000, 1_000, 60, 0.02, 0.5, 0, 0.0)],
    ids=["a tenth in control", "halves, no history"],
)
def test_no_effect_is_seldom_an_alarm_however_often_one_looks(trial: Trial, record_property) -> None:
    found = trial.effects(EXPERIMENTS, 7, RULES)
    alarms = missed(found.anytime_interval, 0.0).any(1).mean()
    by_p = (found.anytime_p_value <= RULES.alpha).any(1).mean()
    record_property("alarms", float(alarms))
    record_property("alarms of the interval for one look", float(missed(found.interval, 0.0).any(1).mean()))
    assert alarms == by_p
    assert alarms <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "trial",
    [Trial(400, 1_600, 10, 0.08, 0.7, 30, 0.2), Trial(200, 800, 10, 0.1, 0.5, 30, 0.3)],
    ids=["a fifth in control", "small"],
)
def test_stated_power_is_the_one_measured(trial: Trial, record_property) -> None:
    design = Design(trial.control, trial.mia, Baseline(trial.rate, trial.spread), trial.pre_days, RULES)
    once, daily = design.power(trial.lift, trial.days)
    found = trial.effects(4_000, 11, RULES)
    shown_once = missed(found.interval, 0.0)[:, -1].mean()
    shown_daily = missed(found.anytime_interval, 0.0).any(1).mean()
    record_property("once: stated, measured", (round(float(once[-1]), 3), round(float(shown_once), 3)))
    record_property("daily: stated, measured", (round(float(daily[-1]), 3), round(float(shown_daily), 3)))
    assert 0.2 < daily[-1] < once[-1] < 0.98
    assert abs(once[-1] - shown_once) <= 0.02
    assert abs(daily[-1] - shown_daily) <= 0.02


@pytest.mark.slow
def test_the_variance_removed_is_the_one_that_theory_gives() -> None:
    """Gamma-Poisson: squared correlation of y over 30 days and x over 60 at rate 0.05 and spread 1."""
    trial = Trial(1_000, 1_000, 30, 0.05, 1.0, 60, 0.0)
    shared, y, x = 1.5 * 3.0, 1.5 + 1.5**2, 3.0 + 3.0**2
    removed = trial.effects(200, 5, RULES).found.removed[:, -1].mean()
    assert removed == pytest.approx(shared**2 / (y * x), abs=0.01)


@pytest.mark.slow
def test_pooled_intervals_cover_regions_however_thin(record_property) -> None:
    """400 experiments of 20 regions from 60 to 1,600 subscribers, whose true lifts differ."""
    rng = np.random.default_rng(19)
    sizes = np.geomspace(60, 1_600, 20).astype(int)
    inside, errors, own = [], [], []
    for _ in range(400):
        lifts = rng.normal(0.25, 0.2, len(sizes))
        parts = [_region(rng, size, max(lift, -0.9)) for size, lift in zip(sizes, lifts, strict=True)]
        moments = Moments(*(np.array([part[place] for part in parts], float) for place in range(6)))
        outcomes = Outcomes(tuple(map(str, sizes)), moments, moments, moments.n.astype(int), np.ones(len(sizes), int))
        groups, _ = measure_groups(outcomes, Scale(0.5, 1.0), RULES, 0.2, pooled=True)
        for group, lift in zip(groups, lifts, strict=True):
            truth = 0.4 * max(lift, -0.9)
            inside.append(group.pooled.interval.low <= truth <= group.pooled.interval.high)
            errors.append((group.pooled.difference - truth) ** 2)
            own.append((group.connections.difference - truth) ** 2)
    record_property("coverage", float(np.mean(inside)))
    record_property("error against own", (float(np.mean(errors) ** 0.5), float(np.mean(own) ** 0.5)))
    assert np.mean(inside) >= 0.93
    assert np.mean(errors) < 0.5 * np.mean(own)


def _region(rng: np.random.Generator, size: int, lift: float) -> list[list[float]]:
    control = size // 5
    rate = 0.4 * rng.gamma(2.0, 0.5, size) * np.repeat([1.0, 1 + lift], [control, size - control])
    y, zero = rng.poisson(rate).astype(float), np.zeros(size)
    columns = (np.ones(size), y, y * y, zero, zero, zero)
    return [[float(column[:control].sum()), float(column[control:].sum())] for column in columns]


@pytest.mark.slow
def test_sizes_of_the_arms_raise_no_alarm_looked_at_daily_and_do_when_events_are_lost(record_property) -> None:
    rng = np.random.default_rng(3)
    alarms, finds = [], []
    for share in (0.1, 0.08):
        seen = rng.binomial(200, share, (200, 20)).cumsum(1)
        total = 200 * np.arange(1, 21)
        found = [
            any(check_balance(int(c), int(n - c), 0.1).anytime_p_value < 0.05 for c, n in zip(row, total, strict=True))
            for row in seen
        ]
        (alarms if share == 0.1 else finds).extend(found)
    record_property("alarms, finds", (float(np.mean(alarms)), float(np.mean(finds))))
    assert np.mean(alarms) <= 0.05
    assert np.mean(finds) > 0.9
