"""Clients that ask, report what became of it, and write down what they were told: to be compared with the ledger."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from tests.fakes.served import Served, eventually

MUSIC, DATA = "music_30", "data_10"
OFFERS = (MUSIC, DATA)
HAPPENED = "2021-06-30T10:00:00Z"


@dataclass
class Account:
    """What clients were told: the answer to each request id, the events acknowledged by kind, ids refused, and what
    nobody knows until it is sent again. `statuses` counts answers by path, status and fallback.
    """

    decided: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unknown: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    statuses: Counter[tuple[str, int, str | None]] = field(default_factory=Counter)
    retry_after: set[str | None] = field(default_factory=set)
    not_stored: set[str] = field(default_factory=set)

    @property
    def acknowledged(self) -> int:
        """Decisions and events."""
        return len(self.decided) + len(self.accepted)

    def count(self, path: str, status: int, fallback: str | None = None) -> int:
        """Answers of this sort so far."""
        return self.statuses[path, status, fallback]


class Load:
    """Clients in threads of their own. Each answer is followed by events: an impression that names it, a click that
    names none, and now and then one that must be refused and, with `changed`, one that was acknowledged with another
    content. With `batch` each sends that many events at once.
    """

    def __init__(self, service: Served, clients: int = 4, batch: int = 0, *, changed: bool = False) -> None:
        self.account, self._service, self._batch, self._changed = Account(), service, batch, changed
        self._headers = {"X-API-Key": service.key}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(f"c{place}",)) for place in range(clients)]
        self._broken: list[Exception] = []

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, more: int) -> None:
        """Wait until so much more is acknowledged."""
        wanted = self.account.acknowledged + more
        eventually(lambda: self.account.acknowledged >= wanted or self._broken, f"{wanted} are acknowledged")
        self._require_sound()

    def settle(self) -> None:
        """Send again what nobody answered or what was told to come again, until it is answered."""
        self._require_sound()
        with httpx.Client(base_url=self._service.address, headers=self._headers, timeout=120) as client:
            while self.account.unknown:
                for given, (path, body) in list(self.account.unknown.items()):
                    self._send(client, given, path, body)

    def _require_sound(self) -> None:
        for error in self._broken:
            raise error

    def _work(self, name: str) -> None:
        try:
            with httpx.Client(base_url=self._service.address, headers=self._headers, timeout=120) as client:
                for number in count():
                    if self._stop.is_set():
                        return
                    self._talk(client, name, number)
        except Exception as error:
            self._broken.append(error)

    def _talk(self, client: httpx.Client, name: str, number: int) -> None:
        """One request, and what follows it."""
        one = f"{name}-{time.monotonic_ns()}"
        subscriber = f"{name}-{number % 50}"
        ask = {"subscriber_id": subscriber, "channel": "app", "request_id": one}
        answer = self._send(client, one, "/v1/decisions", ask)
        if answer is None:
            time.sleep(0.1)
            return
        event = {"occurred_at": HAPPENED, "subscriber_id": subscriber, "channel": "app"}
        events = [event | {"event_id": f"{one}-click", "offer_id": MUSIC, "kind": "click"}]
        if answer.get("offers"):
            shown = {"offer_id": answer["offers"][0]["offer_id"], "decision_id": answer["decision_id"]}
            events.append(event | shown | {"event_id": f"{one}-shown", "kind": "impression"})
        if number % 4 == 0:
            bad = {"event_id": f"{one}-bad", "offer_id": "no such offer", "kind": "click"}
            events.append(event | bad)
            self._send(client, f"{one}-bad", "/v1/decisions", ask | {"channel": "none", "request_id": f"{one}-bad"})
        for given in events:
            self._send(client, str(given["event_id"]), "/v1/events", {"events": [given]})
        if self._changed and number % 4 == 1 and events[0]["event_id"] in self.account.accepted:
            again = events[0] | {"kind": "decline"}
            client_told = self._told(client, "/v1/events", {"events": [again]})
            assert client_told is None or client_told.status_code in (200, 409, 503)
        if self._batch:
            many = [events[0] | {"event_id": f"{one}-many-{place}"} for place in range(self._batch)]
            self._send(client, f"{one}-many", "/v1/events", {"events": many})

    def _told(self, client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response | None:
        try:
            return client.post(path, json=body)
        except httpx.TransportError:
            return None

    def _send(self, client: httpx.Client, given: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer, written down; None where there was none."""
        account = self.account
        answer = self._told(client, path, body)
        if answer is None:
            account.unknown[given] = path, body
            return None
        found: dict[str, Any] = answer.json()
        account.statuses[path, answer.status_code, found.get("fallback")] += 1
        if answer.status_code == 503:
            account.retry_after.add(answer.headers.get("Retry-After"))
            account.unknown[given] = path, body
            return found
        account.unknown.pop(given, None)
        if answer.status_code >= 400:
            account.refused.add(given)
        elif path == "/v1/decisions":
            if found["fallback"] == "not_stored":
                account.not_stored.add(found["decision_id"])
                account.unknown[given] = path, body
            else:
                account.decided[given] = found
        else:
            kinds = {event["event_id"]: event["kind"] for event in body["events"]}
            account.accepted |= {one: kinds[one] for one in (*found["accepted"], *found["duplicate"])}
            account.refused |= {one["event_id"] for one in found["rejected"]}
        return found


def require_kept(service: Served, account: Account) -> None:
    """All that was acknowledged is in the ledger, once and as it was told, and nothing that was refused."""
    assert not account.unknown
    opened = service.open()
    try:
        table = opened.ledger.events()
        total, decisions = opened.ledger.latest_decisions(0, 10_000_000)
    finally:
        opened.close()
    events = dict(zip(table["event_id"].to_pylist(), table["kind"].to_pylist(), strict=True))
    assert len(events) == table.num_rows
    lost = {one for one, kind in account.accepted.items() if events.get(one) != kind}
    assert not lost
    assert not account.refused & events.keys()
    assert events.keys() <= account.accepted.keys()
    kept = {decision.decision_id: decision for decision in decisions}
    assert len(kept) == total
    for given, told in account.decided.items():
        stored = kept[told["decision_id"]]
        assert stored.request.subscriber_id == told["subscriber_id"]
        assert stored.request.request_id in (given, None)
        assert [offer.offer_id for offer in stored.offers] == [offer["offer_id"] for offer in told["offers"]]
    asked = Counter(decision.request.request_id for decision in decisions if decision.request.request_id is not None)
    assert set(asked.values()) <= {1}
    assert not account.refused & asked.keys()
    assert asked.keys() <= account.decided.keys()
    assert not account.not_stored & kept.keys()
