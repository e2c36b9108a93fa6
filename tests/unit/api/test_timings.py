"""Timings count as Prometheus' own histograms do."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from mia.api.timings import WAITING, Timings

BOUNDS = (0.001, 0.01, 0.1, 1.0)
SECONDS = st.lists(st.sampled_from(BOUNDS) | st.floats(0, 2), max_size=40)


def samples(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, sample.labels["route"], sample.labels.get("le", "")): round(sample.value, 9)
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(SECONDS, SECONDS)
def test_they_count_alike(one: list[float], other: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    timings = Timings("took_seconds", "Time.", ("route",), BOUNDS)
    ours.register(timings)
    histogram = Histogram("took_seconds", "Time.", ("route",), buckets=BOUNDS, registry=theirs)
    for route, values in (("a", one), ("b", other)):
        for seconds in values:
            timings.observe((route,), seconds)
            histogram.labels(route).observe(seconds)
        assert samples(ours) == samples(theirs)


def test_what_waits_is_bounded() -> None:
    timings = Timings("took_seconds", "Time.", (), BOUNDS)
    for _ in range(10 * WAITING + 3):
        timings.observe((), 0.5)
    assert max(len(series.waiting) for series in timings._series.values()) < WAITING
    (family,) = timings.collect()
    assert {sample.value for sample in family.samples if sample.name.endswith("_count")} == {10 * WAITING + 3}
