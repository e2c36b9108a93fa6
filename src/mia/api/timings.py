"""Histograms of seconds whose observations cost a request next to nothing: they are counted later, many at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

WAITING = 2_048
"""Observations of one histogram that may wait to be counted."""


class _Series:
    """One histogram: what is counted, and what still waits."""

    __slots__ = ("counts", "total", "waiting")

    def __init__(self, buckets: int) -> None:
        self.counts: NDArray[np.int64] = np.zeros(buckets + 1, np.int64)
        self.total = 0.0
        self.waiting: list[float] = []


class Timings(Collector):
    """One histogram for each set of labels; used by one thread, that of the event loop.

    >>> timings = Timings("took_seconds", "Time.", ("stage",), (0.1, 1.0))
    >>> for seconds in (0.05, 0.1, 0.5, 3.0):
    ...     timings.observe(("score",), seconds)
    >>> [(sample.labels["le"], sample.value) for sample in next(timings.collect()).samples if "le" in sample.labels]
    [('0.1', 2), ('1.0', 3), ('+Inf', 4)]
    """

    def __init__(self, name: str, about: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name, self._about, self._labels = name, about, tuple(labels)
        self._bounds = np.asarray(bounds, np.float64)
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self._series: dict[tuple[str, ...], _Series] = {}

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        """Take one observation."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Series(len(self._bounds))
        series.waiting.append(seconds)
        if len(series.waiting) >= WAITING:
            self._count(series)

    def collect(self) -> Iterator[Metric]:
        """All histograms, everything counted."""
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        for labels, series in self._series.items():
            self._count(series)
            cumulative = np.cumsum(series.counts).tolist()
            family.add_metric(labels, list(zip(self._names, cumulative, strict=True)), series.total)
        yield family

    def _count(self, series: _Series) -> None:
        values = np.asarray(series.waiting, np.float64)
        series.waiting.clear()
        series.total += float(values.sum())
        # An observation belongs to the first bucket whose bound it does not exceed.
        places = np.searchsorted(self._bounds, values, side="left")
        series.counts += np.bincount(places, minlength=len(series.counts))
