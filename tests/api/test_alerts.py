"""Alert rules in docs name metrics and labels that MIA has."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.door import Door

DOCS = Path(__file__).parents[2] / "docs"
RULES: list[dict[str, Any]] = yaml.safe_load((DOCS / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
SELECTOR = re.compile(r"\b(mia_\w+)(?:\{([^}]*)\})?")
REPORT = {"model": "7", "until": 0, "checks": [{"name": "auc", "found": 0.7}], "regions": {"Urals": 0.1}}


def labels_of(door: Door) -> dict[str, set[str]]:
    """Labels of every sample of a service that has answered everything once."""
    door.services.health.last = REPORT  # type: ignore[attr-defined]
    door.fill()
    event = {"event_id": "e", "occurred_at": "2021-07-01T12:00:00Z", "subscriber_id": "s1", "offer_id": "data_10"}
    door.post("/v1/decisions", key="offers", json={"subscriber_id": "s1", "channel": "app"})
    door.post("/v1/events", key="events", json={"events": [event | {"kind": "impression", "channel": "app"}]})
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(door.get("/metrics").text):
        found.setdefault(family.name, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_and_label_of_an_alert_is_there(door: Door) -> None:
    known = labels_of(door) | {"mia_decisions_unstored_total": set()}
    for rule in RULES:
        named = SELECTOR.findall(rule["expr"])
        assert named or rule["alert"] == "MiaDown"
        for name, selector in named:
            assert name in known, rule["alert"]
            assert set(re.findall(r"(\w+)\s*[=!]~?", selector)) <= known[name], rule["alert"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "warn")
    assert len(rule["annotations"]["summary"]) > 20
    assert rule["expr"].count("(") == rule["expr"].count(")")
