import numpy as np
import pytest
from tests.fakes.frames import objects

from mia.evaluation.intervals import Estimate, bootstrap, bootstrap_sums, clusters, mean_interval


def test_rows_of_one_subscriber_are_one_cluster():
    found = clusters(objects(["b", "a", "b", "c"]))
    assert found[0] == found[2]
    assert len(set(found.tolist())) == 3


def test_the_value_is_that_of_all_rows_and_lies_inside():
    values = np.arange(40.0)
    found = mean_interval(values, np.arange(40))
    assert found.value == values.mean()
    assert found.low < found.value < found.high
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.5000 [0.2500, 0.7500]"


def test_the_same_seed_gives_the_same_interval():
    values, cluster = np.random.default_rng(1).random(50), np.arange(50) // 2
    assert mean_interval(values, cluster, seed=3) == mean_interval(values, cluster, seed=3)
    assert mean_interval(values, cluster, seed=3) != mean_interval(values, cluster, seed=4)


def test_whole_clusters_are_drawn():
    cluster = np.asarray([0, 1, 0, 2, 1, 2])
    drawn: list[np.ndarray] = []

    def keep(rows):
        drawn.append(rows)
        return 0.0

    bootstrap(keep, cluster, draws=50)
    for rows in drawn:
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[2]
        assert counts[1] == counts[4]
        assert counts[3] == counts[5]
        assert len(rows) == 6


def test_repeats_within_a_cluster_do_not_narrow_the_interval():
    values = np.random.default_rng(2).random(60)
    once = mean_interval(values, np.arange(60))
    thrice = mean_interval(np.repeat(values, 3), np.repeat(np.arange(60), 3))
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low)


def test_clusters_may_have_any_numbers():
    values = np.random.default_rng(2).random(30)
    assert mean_interval(values, np.arange(30) * 1_000 + 7) == mean_interval(values, np.arange(30))


def test_resamples_without_a_figure_are_left_out_and_none_at_all_is_nan():
    values = np.asarray([1.0, np.nan])
    found = bootstrap(lambda rows: float(values[rows].max()), np.arange(2), draws=100)
    assert (found.low, found.high) == (1.0, 1.0)
    nothing = bootstrap(lambda _: float("nan"), np.arange(2), draws=10)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_sums_of_clusters_say_what_gathered_rows_say():
    rng = np.random.default_rng(6)
    cluster = rng.integers(0, 60, 400)
    values, weights = rng.random(400) + cluster / 60, rng.random(400)
    by_rows = bootstrap(
        lambda rows: float((values[rows] * weights[rows]).sum() / weights[rows].sum()), cluster, draws=4_000
    )
    columns = np.column_stack([values * weights, weights])
    found = bootstrap_sums(
        columns,
        {"ratio": lambda sums: sums[..., 0] / sums[..., 1], "weight": lambda sums: sums[..., 1]},
        cluster,
        draws=4_000,
    )
    assert found["ratio"].value == pytest.approx(by_rows.value)
    width = by_rows.high - by_rows.low
    assert found["ratio"].low == pytest.approx(by_rows.low, abs=0.05 * width)
    assert found["ratio"].high == pytest.approx(by_rows.high, abs=0.05 * width)
    assert found["weight"].value == pytest.approx(weights.sum())


def test_resamples_are_the_same_however_many_are_drawn_at_a_time(monkeypatch):
    columns = np.random.default_rng(6).random((50, 2))
    statistics = {"mean": lambda sums: sums[..., 0]}
    whole = bootstrap_sums(columns, statistics, np.arange(50), draws=40)
    monkeypatch.setattr("mia.evaluation.intervals.CELLS", 150)
    assert bootstrap_sums(columns, statistics, np.arange(50), draws=40)["mean"].low == pytest.approx(whole["mean"].low)


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(11)
    covered = 0
    worlds = 400
    for seed in range(worlds):
        cluster = np.repeat(np.arange(80), rng.integers(1, 8, 80))
        own = rng.normal(0.3, 0.2, 80)
        found = mean_interval(own[cluster] + rng.normal(0, 0.1, len(cluster)), cluster, seed=seed)
        covered += found.low <= 0.3 <= found.high
    # A percentile interval of 80 clusters is a little short of 95 %.
    assert 0.90 <= covered / worlds <= 0.98
