"""POST /v1/decisions and GET /v1/decisions/{id}."""

import asyncio

import httpx
import orjson
import pytest
from tests.fakes.door import NOON_JULY_FIRST, Door, FakeCatalogue, FullWriter

from mia.timeline import MICROSECONDS

ASK = {"subscriber_id": "s1", "channel": "app"}


def test_answer_holds_the_contract(door: Door) -> None:
    answer = door.post("/v1/decisions", key="offers", json=ASK | {"limit": 2, "placement": "main"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == [
        "decision_id", "subscriber_id", "arm", "model_version", "catalogue_version", "fallback", "explored",
        "offers", "empty_reason",
    ]  # fmt: skip
    assert body["decision_id"] == "d1"
    assert (body["fallback"], body["explored"]) == (None, False)
    assert [offer["offer_id"] for offer in body["offers"]] == ["music_30", "data_10"]
    assert body["offers"][0] == {
        "offer_id": "music_30",
        "position": 1,
        "name": "Музыка <30 дней>",
        "description": "Музыка <30 дней>!",
        "category": "music",
        "price": 99.0,
        "acceptance": 0.1,
        "expected_value": 5.0,
        "propensity": 1 / 3,
        "reasons": [{"code": "affinity", "text": "Вы слушаете музыку"}],
    }
    assert door.ledger.decision("d1").request.placement == "main"
    assert door.ledger.decision("d1").request.at == NOON_JULY_FIRST


@pytest.mark.parametrize(
    ("accept", "language", "name"),
    [
        (None, "ru", "10 ГБ"),
        ("en", "en", "10 GB"),
        ("de", "ru", "10 ГБ"),
        ("ru;q=0.3, en-GB;q=0.9", "en", "10 GB"),
        ("en;q=0, *;q=0.1", "ru", "10 ГБ"),
        ("en;q=high", "ru", "10 ГБ"),
    ],
)
def test_language_follows_the_header(door: Door, accept: str | None, language: str, name: str) -> None:
    headers = {} if accept is None else {"Accept-Language": accept}
    answer = door.post("/v1/decisions", key="offers", json=ASK, headers=headers)
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["offers"][1]["name"] == name


def test_unknown_subscriber_gets_a_named_fallback(door: Door) -> None:
    answer = door.post("/v1/decisions", key="offers", json=ASK | {"subscriber_id": "nobody"})
    assert answer.status_code == 200
    assert answer.json()["fallback"] == "unknown_subscriber"
    assert len(answer.json()["offers"]) == 3


def test_repeated_request_gives_identical_bytes_in_the_first_language(door: Door) -> None:
    ask = ASK | {"request_id": "r1"}
    first = door.post("/v1/decisions", key="offers", json=ask, headers={"Accept-Language": "en"})
    door.clock.now += 60 * MICROSECONDS
    again = door.post("/v1/decisions", key="offers", json=ask, headers={"Accept-Language": "en"})
    assert again.content == first.content
    assert len(door.decisions.asked) == 2
    assert door.ledger.decisions_count() == 1


def test_request_id_of_another_request_is_a_conflict(door: Door) -> None:
    door.post("/v1/decisions", key="offers", json=ASK | {"request_id": "r1"})
    answer = door.post("/v1/decisions", key="offers", json=ASK | {"request_id": "r1", "subscriber_id": "s2"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:mia:problem:request-conflict"
    assert "r1" in answer.json()["detail"]


def test_answer_is_never_empty_when_the_ledger_is_down(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    door.ledger.down = True
    answer = door.post("/v1/decisions", key="offers", json=ASK)
    assert answer.status_code == 200
    assert answer.json()["fallback"] == "not_stored"
    assert len(answer.json()["offers"]) == 3
    assert "d1 is answered but not stored" in caplog.text
    door.ledger.down = False
    text = door.get("/metrics").text
    assert "mia_decisions_unstored_total 1.0" in text
    assert 'mia_decisions_total{arm="mia",fallback="not_stored"} 1.0' in text


def test_answer_is_never_empty_when_the_writer_refuses(door: Door) -> None:
    answer = door.with_services(writer=FullWriter()).post("/v1/decisions", key="offers", json=ASK)
    assert answer.status_code == 200
    assert answer.json()["fallback"] == "not_stored"


def test_a_new_catalogue_changes_no_earlier_answer(door: Door) -> None:
    ask = ASK | {"request_id": "r1"}
    first = door.post("/v1/decisions", key="offers", json=ask)
    door.decisions.catalogue = FakeCatalogue("c2")
    door.decisions.catalogue.offers = door.decisions.catalogue.offers[1:]
    assert door.post("/v1/decisions", key="offers", json=ask).content == first.content
    assert door.get("/v1/decisions/d1", key="admin").json()["offers"] == first.json()["offers"]
    assert len(door.post("/v1/decisions", key="offers", json=ASK).json()["offers"]) == 2


def test_trace_says_how_it_came_about(door: Door) -> None:
    ask = ASK | {"limit": 1, "context": {"screen": "home"}, "request_id": "r1"}
    answer = door.post("/v1/decisions", key="offers", json=ask).json()
    trace = door.get("/v1/decisions/d1", key="admin").json()
    assert {name: trace[name] for name in answer} == answer
    assert trace["request"] == {
        "channel": "app",
        "placement": None,
        "limit": 1,
        "language": "ru",
        "context": {"screen": "home"},
        "request_id": "r1",
        "region": None,
        "at": "2021-07-01T12:00:00Z",
    }
    assert trace["versions"] == {"model": "7", "catalogue": "c1", "profile": "2021-07-01", "policy": "p1"}
    assert (trace["seed"], trace["explored"], trace["ledger_position"]) == (2**64 - 1, False, 0)
    assert trace["stages"][1] == {"name": "ranked", "entered": 3, "passed": 1}
    assert trace["dropped"] == {"data_10": "below_limit", "roaming_7": "below_limit"}


def test_integers_of_more_than_64_bits_are_taken_for_doubles(door: Door) -> None:
    context = {"big": 2**70, "deep": [{"low": -(2**63) - 1}], "whole": 2**64 - 1, "least": -(2**63)}
    decision = door.post("/v1/decisions", key="offers", json=ASK | {"context": context}).json()
    kept = door.get(f"/v1/decisions/{decision['decision_id']}", key="admin").json()["request"]["context"]
    assert kept == {"big": 2.0**70, "deep": [{"low": -(2.0**63)}], "whole": 2**64 - 1, "least": -(2**63)}
    assert isinstance(kept["big"], float)
    assert isinstance(kept["whole"], int)


def test_trace_of_an_unknown_decision_is_404(door: Door) -> None:
    answer = door.get("/v1/decisions/nope", key="admin")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:mia:problem:unknown-decision"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"subscriber_id": ""}, "#/subscriber_id"),
        ({"subscriber_id": 7}, "#/subscriber_id"),
        ({"subscriber_id": "a\x00b"}, "#/subscriber_id"),
        ({"channel": "fax"}, "#/channel"),
        ({"limit": 0}, "#/limit"),
        ({"limit": 51}, "#/limit"),
        ({"limit": "3"}, "#/limit"),
        ({"limit": True}, "#/limit"),
        ({"subscriber": "s1"}, "#/subscriber"),
        ({"context": {"big": 10**400}}, "#/context"),
        ({"context": [1]}, "#/context"),
    ],
)
def test_malformed_requests_are_422_and_say_where(door: Door, change: dict[str, object], pointer: str) -> None:
    answer = door.post("/v1/decisions", key="offers", json=ASK | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert door.decisions.asked == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"s1"', b"\xff\xfe", b'{"subscriber_id": "\\ud800", "channel": "app"}', b"[" * 100_000],
)
def test_bodies_that_are_no_such_document_are_422(door: Door, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = door.post("/v1/decisions", key="offers", content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_body_without_its_content_type_is_told_which_one(door: Door) -> None:
    answer = door.post("/v1/decisions", key="offers", content=orjson.dumps(ASK))
    assert answer.status_code == 422
    assert answer.json()["detail"] == "#: must be a JSON object, sent with Content-Type: application/json"


def test_deep_context_is_refused_and_not_a_failure(door: Door) -> None:
    content = b'{"subscriber_id": "s1", "channel": "app", "context": {"a": ' + b"[" * 500 + b"]" * 500 + b"}}"
    headers = {"Content-Type": "application/json"}
    assert door.post("/v1/decisions", key="offers", content=content, headers=headers).status_code == 422


def test_concurrent_requests_each_get_their_own_answer(door: Door) -> None:
    async def ask_all() -> list[bytes]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://mia") as client:
            asks = [
                client.post("/v1/decisions", json=ASK | {"subscriber_id": f"s{n}"}, headers={"X-API-Key": "mia_offers"})
                for n in range(50)
            ]
            return [answer.content for answer in await asyncio.gather(*asks)]

    bodies = [orjson.loads(content) for content in asyncio.run(ask_all())]
    assert [body["subscriber_id"] for body in bodies] == [f"s{n}" for n in range(50)]
    assert len({body["decision_id"] for body in bodies}) == 50
    assert door.ledger.decisions_count() == 50
