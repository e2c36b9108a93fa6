"""Prometheus gauges of uptake, as far as events are rolled up; they are read again only when that went on."""

from prometheus_client import CollectorRegistry, Gauge

from mia.api.services import Uptake
from mia.timeline import DAY_SECONDS
from mia.uptake.growth import GROUP, name_unknown
from mia.uptake.headline import usual_baseline

_BY = "macro_region"
_FIGURES = {
    "cumulative": ("mia_connections", "Connections of offers since the first event."),
    "connections": ("mia_month_connections", "Connections of the newest month."),
    "net_active": ("mia_net_active_connections", "Connection periods that have begun and not ended."),
    "active_subscribers": ("mia_active_subscribers", "Subscribers who were activated by the end of the newest month."),
}
_GROWTH = {
    "index": ("mia_uptake_index", "Cumulative connections against those at the end of the baseline month."),
    "since_baseline_index": (
        "mia_uptake_since_baseline_index",
        "Connections since the first day of the baseline month against those of that month.",
    ),
}


class UptakeGauges:
    """Gauges of one worker: figures of the newest month, by macro-region.

    The baseline is the usual one. Where the base is too small, a gauge is missing rather than wild.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._figures = {
            name: Gauge(metric, about, (_BY,), registry=registry) for name, (metric, about) in _FIGURES.items()
        }
        self._growth = {
            name: Gauge(metric, about, (_BY, "baseline"), registry=registry)
            for name, (metric, about) in _GROWTH.items()
        }
        self._rolled_up = Gauge(
            "mia_uptake_position", "Position of the ledger up to which uptake is rolled up.", registry=registry
        )
        self._arrived = Gauge(
            "mia_uptake_arrived_until_seconds",
            "End of the last local day whose events have all arrived, as seconds since the epoch.",
            registry=registry,
        )
        self._restated = Gauge(
            "mia_uptake_restatements", "Published figures that changed since they were published.", registry=registry
        )
        self._shown: int | None = None

    def show(self, uptake: Uptake) -> None:
        """Take over the figures if the roll-up went on; raises what reading them raises."""
        months, position = uptake.months(), uptake.position()
        if position == self._shown:
            return
        baseline = usual_baseline(months)
        rows = name_unknown(uptake.table(baseline, _BY, start=months[-1])).to_pylist() if months else []
        restated, span = uptake.restated().num_rows, uptake.span()
        for name, gauge in self._figures.items():
            gauge.clear()
            for row in rows:
                if row[name] is not None:
                    gauge.labels(row[GROUP]).set(row[name])
        for name, gauge in self._growth.items():
            gauge.clear()
            for row in rows:
                if row[name] is not None:
                    gauge.labels(row[GROUP], baseline).set(row[name])
        self._rolled_up.set(position)
        self._restated.set(restated)
        if span is not None and span.arrived_day is not None:
            self._arrived.set((span.arrived_day + 1) * DAY_SECONDS)
        self._shown = position
