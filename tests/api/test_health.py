"""/healthz, /readyz and /metrics."""

import os

from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.door import MACRO_REGIONS, Door


def test_alive_whatever_happens_behind(door: Door) -> None:
    door.ledger.down = True
    assert door.get("/healthz").text == "ok\n"


def test_ready_names_what_is_in_force(door: Door) -> None:
    answer = door.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "personalised": True,
        "checks": {"warm": "ok", "catalogue": "ok", "ledger": "ok"},
        "versions": {"model": "7", "profile": "2021-07-01", "catalogue": "c1", "policy": "p1"},
        "newer_refused": None,
        "worker": os.getpid(),
        "ledger_position": 0,
    }


def test_ready_without_a_model_but_says_so(door: Door) -> None:
    door.decisions.model_version = None
    answer = door.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["personalised"] is False


def test_not_ready_before_it_is_warm(door: Door) -> None:
    door.decisions.is_warm = False
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["warm"] == "still warming up"


def test_ready_says_what_keeps_newer_versions_away(door: Door) -> None:
    door.decisions.trouble = "model 8 fails; model 7 stays in force"
    assert door.get("/readyz").json()["newer_refused"] == door.decisions.trouble


def test_not_ready_without_a_ledger(door: Door) -> None:
    door.ledger.down = True
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["ledger"] != "ok"


def test_not_ready_without_offers(door: Door) -> None:
    door.decisions.catalogue.offers = ()
    answer = door.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["catalogue"] == "no offers"


def test_metrics_show_latency_by_route_versions_and_connections(door: Door) -> None:
    door.fill()
    door.get("/v1/decisions/some-id", key="admin")
    door.get("/nowhere/42")
    door.get("/healthz")
    families = {family.name: family for family in text_string_to_metric_families(door.get("/metrics").text)}
    counts = {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in families["mia_http_request_seconds"].samples
        if sample.name.endswith("_count")
    }
    assert counts == {("/v1/decisions/{decision_id}", "404"): 1, ("other", "404"): 1, ("/healthz", "200"): 1}
    versions = families["mia_versions_info"].samples[0].labels
    worker = str(os.getpid())
    assert versions == {"model": "7", "catalogue": "c1", "profile": "2021-07-01", "policy": "p1", "worker": worker}
    connections = {sample.labels["macro_region"]: sample.value for sample in families["mia_connections"].samples}
    urals = door.services.uptake.headline("Urals", "2021-01", "2021-06")
    assert connections["Urals"] == urals.cumulative
    assert set(connections) == {"(unknown)", *MACRO_REGIONS}


def test_gauges_of_uptake_are_figures_of_the_report(door: Door) -> None:
    assert "mia_uptake_index{" not in door.get("/metrics").text
    door.fill()
    families = {family.name: family for family in text_string_to_metric_families(door.get("/metrics").text)}
    rows = door.services.uptake.table("2021-01", "macro_region", start="2021-06").to_pylist()
    assert len(rows) > 5
    for name, figure in (
        ("mia_connections", "cumulative"),
        ("mia_month_connections", "connections"),
        ("mia_net_active_connections", "net_active"),
        ("mia_uptake_index", "index"),
        ("mia_uptake_since_baseline_index", "since_baseline_index"),
    ):
        shown = {sample.labels["macro_region"]: sample.value for sample in families[name].samples}
        assert shown == {row["group"] or "(unknown)": row[figure] for row in rows}
    assert {sample.labels["baseline"] for sample in families["mia_uptake_index"].samples} == {"2021-01"}
    assert families["mia_uptake_position"].samples[0].value == door.ledger.position()
    arrived = door.services.uptake.span().arrived_day
    assert families["mia_uptake_arrived_until_seconds"].samples[0].value == (arrived + 1) * 86_400
    assert families["mia_uptake_restatements"].samples[0].value == 0


def test_metrics_are_there_when_the_ledger_is_not(door: Door) -> None:
    door.get("/healthz")
    door.ledger.down = True
    answer = door.get("/metrics")
    assert answer.status_code == 200
    assert "mia_http_request_seconds_count" in answer.text


def test_metrics_carry_the_last_look_at_the_live_model(door: Door) -> None:
    assert "mia_model_health{" not in door.get("/metrics").text
    checks = [{"name": "score_drift", "found": 0.25}, {"name": "fallbacks", "found": None}]
    report = {"model": "7", "until": 1_620_000_000_000_000, "checks": checks, "regions": {"Perm": 0.5}}
    door.services.health.last = report
    text = door.get("/metrics").text
    assert 'mia_model_health{check="score_drift",model="7"} 0.25' in text
    assert 'check="fallbacks"' not in text
    assert 'mia_model_region_drift{model="7",region="Perm"} 0.5' in text
    assert "mia_model_health_until_seconds 1.62e+09" in text
