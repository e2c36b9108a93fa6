"""Prometheus metrics of one worker. With several workers each counts for itself; scrape them apart."""

import os
from collections import Counter as Counted
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from mia.api.services import Uptake
from mia.api.timings import Timings
from mia.api.uptake_gauges import UptakeGauges
from mia.domain.decision import Decision
from mia.domain.event import Event, Outcome
from mia.timeline import MICROSECONDS

_STAGE_BUCKETS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
_LATENCY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REJECTED = "rejected"
REFUSALS = frozenset({401, 403, 408, 413, 422, 429, 503})


class Metrics:
    """Counters, gauges and histograms in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = Counter(
            "mia_decisions_total", "Decisions answered.", ("arm", "fallback"), registry=self._registry
        )
        self._unstored = Counter(
            "mia_decisions_unstored_total", "Decisions answered though the ledger failed.", registry=self._registry
        )
        self._events = Counter("mia_events_total", "Events received.", ("kind", "outcome"), registry=self._registry)
        self._latency = Timings(
            "mia_http_request_seconds",
            "Time from request to the last byte of the answer, in seconds.",
            ("method", "route", "status"),
            _LATENCY_BUCKETS,
        )
        self._stages = Timings(
            "mia_stage_seconds",
            "Time that one stage of a request took, in seconds.",
            ("route", "stage"),
            _STAGE_BUCKETS,
        )
        self._registry.register(self._latency)
        self._registry.register(self._stages)
        self._refused = Counter(
            "mia_refused_total", "Requests refused, by status.", ("status",), registry=self._registry
        )
        self._queue = Gauge("mia_commit_queue", "Requests that wait for a commit.", registry=self._registry)
        self._ages = Gauge(
            "mia_age_seconds",
            "Age of what is in force: since the model became champion, the catalogue was loaded, the day of profiles.",
            ("part",),
            registry=self._registry,
        )
        self._position = Gauge("mia_ledger_position", "Position of the newest event.", registry=self._registry)
        self._versions = Gauge(
            "mia_versions_info",
            "Versions in force in this worker.",
            ("model", "catalogue", "profile", "policy", "worker"),
            registry=self._registry,
        )
        self._uptake = UptakeGauges(self._registry)
        self._health = Gauge(
            "mia_model_health",
            "Figures of the last look at the live model.",
            ("model", "check"),
            registry=self._registry,
        )
        self._drift = Gauge(
            "mia_model_region_drift",
            "Population stability index of the scores by region, at the last look.",
            ("model", "region"),
            registry=self._registry,
        )
        self._looked = Gauge("mia_model_health_until_seconds", "End of the last look at it.", registry=self._registry)

    def count_decision(self, decision: Decision) -> None:
        """One decision was answered."""
        self._decisions.labels(decision.arm, decision.fallback or "none").inc()

    def count_unstored(self) -> None:
        """One decision was answered that the ledger did not take."""
        self._unstored.inc()

    def count_events(self, events: Iterable[Event], outcomes: Iterable[Outcome], rejected: int) -> None:
        """A batch of events was answered."""
        counts = Counted(zip((event.kind for event in events), outcomes, strict=True))
        for (kind, outcome), count in counts.items():
            self._events.labels(kind.value, outcome.value).inc(count)
        if rejected:
            self._events.labels("unread", REJECTED).inc(rejected)

    def observe(
        self, method: str, route: str, status: int, seconds: float, stages: Sequence[tuple[str, float]] = ()
    ) -> None:
        """One request was answered; `stages` are (name, seconds)."""
        self._latency.observe((method, route, str(status)), seconds)
        if status in REFUSALS:
            self._refused.labels(status).inc()
        if len(stages) > 1:
            for name, took in stages:
                self._stages.observe((route, name), took)

    def show_queue(self, waiting: int) -> None:
        """How many requests wait for a commit right now."""
        self._queue.set(waiting)

    def show_ages(self, ages: Mapping[str, float]) -> None:
        """Ages in seconds by part: model, catalogue, profile."""
        self._ages.clear()
        for part, age in ages.items():
            self._ages.labels(part).set(age)

    def show_state(self, *, model: str | None, catalogue: str, profile: str | None, policy: str, position: int) -> None:
        """What is in force right now."""
        self._versions.clear()
        self._versions.labels(model or "", catalogue, profile or "", policy, os.getpid()).set(1)
        self._position.set(position)

    def show_uptake(self, uptake: Uptake) -> None:
        """Figures of uptake as far as events are rolled up; raises what reading them raises."""
        self._uptake.show(uptake)

    def show_health(self, report: Mapping[str, Any]) -> None:
        """The last report on the live model, as `Health.to_json` writes it."""
        self._health.clear()
        self._drift.clear()
        self._looked.set(report["until"] / MICROSECONDS)
        for check in report["checks"]:
            if check["found"] is not None:
                self._health.labels(report["model"], check["name"]).set(check["found"])
        for region, drift in report["regions"].items():
            self._drift.labels(report["model"], region).set(drift)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
