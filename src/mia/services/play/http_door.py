"""The door over HTTP: a client of the API like any other, which says beside each request what time it is played at."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from mia.errors import InvalidInput, Overloaded
from mia.services.play.door import Decided

SIMULATED_TIME = "X-Simulated-Time"
"""Header of a request: the time it is played at, in microseconds since the epoch; an answer says it back."""
TIMEOUT_SECONDS = 60.0
TRIES = 5
LOOK_SECONDS = 0.5
BUSY = (429, 503)


class HttpDoor:
    """Asks a service at `url` with a key. Every thread has a connection of its own that stays open until `close`."""

    def __init__(self, url: str, key: str, pause: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput(f"must be an address such as http://127.0.0.1:8080, not {url!r}", option="--url")
        self.url = url.rstrip("/")
        self._parts, self._key, self._pause = parts, key, pause
        self._own = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def __enter__(self) -> "HttpDoor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; no thread may be asking any more."""
        for connection in self._opened:
            connection.close()

    def decide(self, subscriber_id: str, channel: str, request_id: str, at: int) -> Decided:
        """`POST /v1/decisions`."""
        body = {"subscriber_id": subscriber_id, "channel": channel, "request_id": request_id}
        answer = self._post("/v1/decisions", body, at)
        return Decided(answer["decision_id"], tuple(offer["offer_id"] for offer in answer["offers"]))

    def record(self, events: Sequence[dict[str, Any]], at: int) -> list[str]:
        """`POST /v1/events`."""
        return [one["reason"] for one in self._post("/v1/events", {"events": list(events)}, at)["rejected"]]

    def _post(self, path: str, body: Mapping[str, Any], at: int) -> dict[str, Any]:
        packed = orjson.dumps(body)
        headers = {"X-API-Key": self._key, "Content-Type": "application/json", SIMULATED_TIME: str(at)}
        for _ in range(TRIES):
            status, given, content = self._exchange("POST", path, packed, headers)
            if status == http.client.OK:
                answer: dict[str, Any] = orjson.loads(content)
                return answer
            if status not in BUSY:
                raise InvalidInput(f"{path} answered {status}: {_detail(content)}", option="--url")
            self._pause(float(given.get("Retry-After") or 1))
        raise Overloaded(f"{self.url}{path} was busy {TRIES} times")

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        # A connection that lay idle may have been closed; everything asked bears an id, so asking again is safe.
        for last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, f"{self._parts.path.rstrip('/')}{path}", body, dict(headers))
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if last:
                    raise InvalidInput(f"nothing answers at {self.url}: {error}", option="--url") from error
        raise AssertionError("unreachable")

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if found is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            found = self._own.connection = kind(str(self._parts.hostname), self._parts.port, timeout=TIMEOUT_SECONDS)
            self._opened.append(found)
        return found

    def require_ready(self, model: str | None = None, *, seconds: float = 30.0) -> None:
        """Wait until the service answers, and with a `model` until that is in force. Raises InvalidInput when it does
        not in that time, and at once for a service that keeps the real time: it would take July for today.
        """
        reason, waited = "", 0.0
        while waited < seconds:
            try:
                status, told, content = self._exchange("GET", "/readyz", None, {SIMULATED_TIME: "0"})
            except InvalidInput as error:
                reason = error.rule
            else:
                if told.get(SIMULATED_TIME) != "0":
                    rule = f"the service at {self.url} keeps the real time; people can live at that of `mia demo` only"
                    raise InvalidInput(rule, option="--url")
                found = orjson.loads(content)["versions"]["model"] if status == http.client.OK else None
                if status == http.client.OK and model in (None, found):
                    return
                reason = f"the service at {self.url} is not ready" + (f" with model {model}" if model else "")
            self._pause(LOOK_SECONDS)
            waited += LOOK_SECONDS
        raise InvalidInput(reason, option="--url")


def _detail(content: bytes) -> str:
    try:
        return str(orjson.loads(content)["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "no problem document"
