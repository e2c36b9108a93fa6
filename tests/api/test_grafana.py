"""The Grafana dashboard asks only for metrics and labels that exist; its queries run in tests/storage/test_views.py."""

import json
import re

from tests.api.test_alerts import DOCS, SELECTOR, labels_of
from tests.fakes.door import Door

DASHBOARD = json.loads((DOCS / "grafana" / "uptake.json").read_text("utf-8"))
PANELS = DASHBOARD["panels"]


def test_every_metric_and_label_is_there(door: Door) -> None:
    known = labels_of(door)
    metrics = set()
    for panel in PANELS:
        for target in (target for target in panel["targets"] if "expr" in target):
            named = SELECTOR.findall(target["expr"])
            assert named, panel["title"]
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = {label for found in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in found.split(", ")}
            assert legend <= grouped
            for name, selector in named:
                assert name in known, panel["title"]
                asked = set(re.findall(r"(\w+)\s*[=!]~?", selector)) | (grouped if len(named) == 1 else set())
                assert asked <= known[name], panel["title"]
                metrics.add(name)
    assert {"mia_uptake_index", "mia_connections", "mia_net_active_connections", "mia_uptake_position"} <= metrics


def test_every_gauge_of_the_document_is_there(door: Door) -> None:
    known = labels_of(door)
    section = (DOCS / "dashboards.md").read_text("utf-8").split("## Prometheus")[1]
    rows = re.findall(r"^\| (`mia_[^|]*) \| ([^|]*)\|", section, re.MULTILINE)
    assert len(rows) == 8
    for names, labels in rows:
        for name in re.findall(r"`(\w+)`", names):
            assert name in known
            # Active subscribers come from the lake, which this door does not have.
            if name != "mia_active_subscribers":
                assert known[name] == set(re.findall(r"\w+", labels))


def test_panels_have_sources_that_are_asked_for_and_do_not_overlap() -> None:
    sources = {one["name"]: one["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "datasource"}
    taken: set[tuple[int, int]] = set()
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        for one in (panel, *panel["targets"]):
            source = one["datasource"]
            assert sources[source["uid"].strip("${}")] == source["type"]
        assert ("rawSql" in panel["targets"][0]) == (panel["datasource"]["uid"] == "${ledger}")
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
