"""The TM Forum face: its bodies against our document and the standard's, and that it is the same decision.

The standard's own document stays outside of the project: it is read from ../shared/tmf where it lies beside the
repository; `make test-tmf` (TMF680=FILE) runs this file with it and fails where it is missing.
"""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.fakes.door import Door, FakeCatalogue, FullWriter
from tests.fakes.tmf import faults, our_document, standard

from mia.api.tmf.paths import ORDERS, QUERIES
from mia.api.tmf.wire import QueryCreate
from mia.timeline import MICROSECONDS

QUERY: dict[str, Any] = {
    "channel": [{"id": "app"}],
    "relatedParty": {"id": "s1", "@referredType": "Customer"},
}
RICH: dict[str, Any] = QUERY | {
    "name": "main page",
    "description": "offers of the main page",
    "recommendationType": "crossSell",
    "instantSyncRecommendation": True,
    "state": "accepted",
    "category": [{"id": "music", "name": "Music", "version": "2"}],
    "place": {"role": "home", "id": "p1", "@type": "GeographicSite"},
    "productOrder": [{"id": "o7"}],
    "productOrderItem": [{"itemId": "1", "entityId": "o7"}],
    "shoppingCart": [{"id": "c1", "href": "https://mia.example/cart/c1"}],
    "shoppingCartItem": [{"itemId": "2"}],
    "recommendationItem": [{"product": {"id": "p"}}],
    "placement": "main",
    "limit": 2,
    "context": {"balance": 120.5},
    "requestId": "r1",
    "@type": "OurQuery",
    "@baseType": "QueryProductRecommendation",
    "@schemaLocation": "https://mia.example/query.json",
}
WRONG: list[tuple[dict[str, Any], str]] = [
    (QUERY | {"name": 5}, "name"),
    (QUERY | {"instantSyncRecommendation": "yes"}, "instantSyncRecommendation"),
    (QUERY | {"category": {"id": "music"}}, "category"),
    (QUERY | {"category": [{"name": "music"}]}, "category"),
    (QUERY | {"place": {"id": "p"}}, "role"),
    (QUERY | {"state": "ready"}, "state"),
    (QUERY | {"relatedParty": {"id": "s1"}}, "@referredType"),
    (QUERY | {"relatedParty": [{"id": "s1", "@referredType": "Customer"}]}, "relatedParty"),
    (QUERY | {"shoppingCartItem": "all"}, "shoppingCartItem"),
]
"""Bodies that the standard refuses, and what is wrong with them."""


def create(door: Door, body: dict[str, Any] = QUERY, **options: Any) -> Any:
    return door.post(QUERIES, key="offers", json=body, **options)


@pytest.mark.parametrize("body", [QUERY, RICH])
def test_requests_and_answers_are_what_the_documents_say(door: Door, body: dict[str, Any]) -> None:
    assert faults("QueryProductRecommendation_Create", body) == []
    answer = create(door, body)
    assert answer.status_code == 201
    query = answer.json()
    assert faults("QueryProductRecommendation", query) == []
    assert all(faults("RecommendationItem", item) == [] for item in query["recommendationItem"])
    assert answer.headers["location"] == query["href"] == f"http://mia{QUERIES}/{query['id']}"
    assert None not in query.values()


@pytest.mark.parametrize(("body", "named"), WRONG)
def test_what_the_standard_refuses_is_refused_in_its_form(door: Door, body: dict[str, Any], named: str) -> None:
    expected = {"ours"} if standard() is None else {"ours", "standard"}
    assert {fault.partition(":")[0] for fault in faults("QueryProductRecommendation_Create", body)} == expected
    answer = create(door, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    error = answer.json()
    assert faults("Error", error) == []
    assert (error["code"], error["status"]) == ("malformed-request", "400")
    assert named in error["message"]
    assert door.decisions.asked == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"channel": []}, "channel"),
        ({"channel": [{"id": "app"}, {"id": "web"}]}, "channel"),
        ({"channel": [{"id": "pigeon"}]}, "call_centre"),
        ({"relatedParty": None}, "relatedParty"),
        ({"limit": 0}, "limit"),
        ({"limit": "3"}, "limit"),
        ({"context": {"n": 10**400}}, "context"),
        ({"category": [{"id": "a", "n": 10**400}]}, "too large"),
    ],
)
def test_what_no_decision_can_be_made_of_is_refused(door: Door, change: dict[str, Any], named: str) -> None:
    answer = create(door, QUERY | change)
    assert answer.status_code == 400
    assert named in answer.json()["message"]


def test_it_is_the_same_decision(door: Door) -> None:
    ours = door.post(
        "/v1/decisions",
        key="offers",
        json={"subscriber_id": "s1", "channel": "app", "placement": "main", "limit": 2, "context": {"balance": 1.0}},
    ).json()
    query = create(door, QUERY | {"placement": "main", "limit": 2, "context": {"balance": 1.0}}).json()
    one, other = door.decisions.asked
    assert one == other
    assert query["decisionId"] == query["id"] == "d2"
    for offer, item in zip(ours["offers"], query["recommendationItem"], strict=True):
        assert (item["id"], item["priority"]) == (offer["offer_id"], offer["position"])
        assert (item["score"], item["expectedValue"]) == (offer["acceptance"], offer["expected_value"])
        assert (item["propensity"], item["reason"]) == (offer["propensity"], offer["reasons"])
        assert item["product"]["productPrice"][0]["price"]["taxIncludedAmount"]["value"] == offer["price"]
        assert (item["product"]["name"], item["product"]["description"]) == (offer["name"], offer["description"])
        assert item["decisionId"] == "d2"
    for name, same in (("arm", "arm"), ("modelVersion", "model_version"), ("catalogueVersion", "catalogue_version")):
        assert query[name] == ours[same]
    assert 'mia_decisions_total{arm="mia",fallback=""} 2.0' in door.get("/metrics").text.replace("none", "")
    assert door.get("/v1/decisions/d2", key="admin").json()["request"]["context"] == {"balance": 1.0}


def test_what_came_with_the_query_comes_back(door: Door) -> None:
    query = create(door, RICH).json()
    kept = set(RICH) - {"state", "recommendationItem", "@type", "@baseType", "@schemaLocation"}
    assert {name: query[name] for name in kept} == {name: RICH[name] for name in kept}
    assert query["state"] == "done"
    assert len(query["recommendationItem"]) == 2
    assert create(door, RICH).json() == query
    assert create(door, RICH | {"limit": 1}).json()["code"] == "request-conflict"


def test_reading_it_again_gives_the_same(door: Door) -> None:
    query = create(door, RICH, headers={"Accept-Language": "en"}).json()
    door.decisions.catalogue = FakeCatalogue("c2")
    again = door.get(f"{QUERIES}/{query['id']}", key="offers")
    assert (again.json(), again.headers["content-language"]) == (query, "en")
    assert again.json()["recommendationItem"][0]["product"]["name"] == "Music for 30 days"
    assert door.get(f"{QUERIES}/none", key="offers").status_code == 404


def test_a_decision_of_the_other_face_can_be_read_here(door: Door) -> None:
    body = {"subscriber_id": "s9", "channel": "web", "context": {"tmf": "mine"}}
    made = door.post("/v1/decisions", key="offers", json=body).json()
    query = door.get(f"{QUERIES}/{made['decision_id']}", key="offers").json()
    assert faults("QueryProductRecommendation", query) == []
    assert query["relatedParty"] == {"id": "s9", "@referredType": "Customer"}
    assert query["fallback"] == "unknown_subscriber"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("state", {"id", "href", "state"}),
        ("recommendationItem, decisionId", {"id", "href", "recommendationItem", "decisionId"}),
        ("description", {"id", "href"}),
        ("none", {"id", "href"}),
        ("", {"id", "href"}),
    ],
)
def test_fields_choose_first_level_properties(door: Door, fields: str, names: set[str]) -> None:
    query = create(door).json()
    one = door.get(f"{QUERIES}/{query['id']}", key="offers", params={"fields": fields}).json()
    many = door.get(QUERIES, key="admin", params={"fields": fields}).json()
    assert set(one) == names
    assert many == [one]
    refused = door.get(QUERIES, key="admin", params={"fields": "state,rank"})
    assert (refused.status_code, refused.json()["message"]) == (400, "parameter fields: there is no property 'rank'")


def test_the_list_is_paged_the_newest_first(door: Door) -> None:
    for _ in range(5):
        create(door)
        door.clock.now += MICROSECONDS
    page = door.get(QUERIES, key="admin", params={"offset": 1, "limit": 3})
    assert [query["id"] for query in page.json()] == ["d4", "d3", "d2"]
    assert (page.headers["x-total-count"], page.headers["x-result-count"]) == ("5", "3")
    assert all(faults("QueryProductRecommendation", query) == [] for query in page.json())
    beyond = door.get(QUERIES, key="admin", params={"offset": 9})
    assert (beyond.json(), beyond.headers["x-total-count"], beyond.headers["x-result-count"]) == ([], "5", "0")
    for wrong in ({"offset": -1}, {"limit": -1}, {"limit": 101}, {"limit": "all"}):
        assert door.get(QUERIES, key="admin", params=wrong).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "code"),
    [
        ("POST", QUERIES, None, 401, "unknown-key"),
        ("POST", QUERIES, "events", 403, "missing-scope"),
        ("GET", QUERIES, "offers", 403, "missing-scope"),
        ("GET", f"{QUERIES}/d9", "offers", 404, "unknown-decision"),
        ("DELETE", QUERIES, "admin", 405, "method-not-allowed"),
        ("GET", "/customer/v4/catalogue", None, 404, "not-found"),
        ("GET", "/customer/v4/schema/Other.json", None, 404, "not-found"),
        ("POST", ORDERS, "offers", 403, "missing-scope"),
    ],
)
def test_errors_have_the_form_of_the_standard(
    door: Door, method: str, path: str, key: str | None, status: int, code: str
) -> None:
    answer = door.call(method, path, key=key, json=QUERY)
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, str(status))
    assert faults("Error", answer.json()) == []
    assert int(answer.headers["content-length"]) == len(answer.content)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_never_reaches_a_route_has_it_too(door: Door) -> None:
    large = door.post(QUERIES, key="offers", content=b" " * (1 << 21))
    assert (large.status_code, large.json()["code"]) == (413, "content-too-large")
    broken = door.post(QUERIES, key="offers", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed-request")
    assert door.post("/v1/decisions", key="offers", content=b"{").headers["content-type"] == "application/problem+json"


def test_a_ledger_that_is_away_still_gets_an_answer(door: Door) -> None:
    assert create(door.with_services(writer=FullWriter())).json()["fallback"] == "not_stored"
    door.ledger.down = True
    answer = door.get(QUERIES, key="admin")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert faults("Error", answer.json()) == []


def test_extended_types_lead_to_their_schemas(door: Door) -> None:
    query = create(door, RICH).json()
    for part in (query, *query["recommendationItem"]):
        schema = door.get(part["@schemaLocation"].removeprefix("http://mia"))
        assert schema.headers["content-type"] == "application/schema+json"
        assert schema.json()["title"] == part["@type"] == f"Mia{part['@baseType']}"
        validator = Draft202012Validator(schema.json())
        assert validator.is_valid(part)
        assert not validator.is_valid({name: value for name, value in part.items() if name != "decisionId"})


@pytest.mark.parametrize(
    ("host", "root"),
    [("mia.example:8443", "http://mia.example:8443"), ("[::1]:80", "http://[::1]:80"), ('x"<y>', "http://localhost")],
)
def test_addresses_are_those_of_the_host_asked(door: Door, host: str, root: str) -> None:
    assert create(door, headers={"Host": host}).json()["href"] == f"{root}{QUERIES}/d1"


def test_our_document_has_every_property_of_the_standard() -> None:
    ours = our_document()["components"]["schemas"]
    aliases = {field.alias or name for name, field in QueryCreate.model_fields.items()}
    assert set(ours["QueryCreate"]["properties"]) == aliases
    theirs = standard()
    if theirs is not None:
        for name, mine in (
            ("QueryProductRecommendation_Create", "QueryCreate"),
            ("QueryProductRecommendation", "QueryAnswer"),
        ):
            assert set(theirs["definitions"][name]["properties"]) <= set(ours[mine]["properties"])
