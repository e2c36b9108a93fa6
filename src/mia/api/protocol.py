"""HTTP with slow clients: headers must arrive in time, answers be taken in time, and refusals are problem documents.

Uvicorn waits for ever for the end of headers, and for a client that takes nothing of its answer; this one closes.
Idle connections between requests are Uvicorn's own `timeout_keep_alive`, slow bodies are the envelope's.
"""

import asyncio
from typing import Any

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mia.sections import DoorSettings

LIMITS = "limits"
"""Name of the door's settings in the state of the application's life."""


class PatientProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, patient but not for ever."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: DoorSettings = app_state.get(LIMITS) or DoorSettings()
        self._patience: asyncio.TimerHandle | None = None
        self._waits_for_headers = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: its first headers are due."""
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._forget()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins: its headers are due."""
        super().on_message_begin()
        if not self._waits_for_headers:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The headers are there."""
        self._waits_for_headers = False
        self._forget()
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The client does not take what it is sent: it is given some time."""
        super().pause_writing()
        self._forget()
        self._patience = self.loop.call_later(self._limits.body_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client took it."""
        if not self._waits_for_headers:
            self._forget()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP in the form of every other refusal."""
        problem = {"type": "urn:mia:problem:malformed-request", "title": "Bad Request", "status": 400, "detail": msg}
        body = orjson.dumps(problem)
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _expect_headers(self) -> None:
        self._forget()
        self._waits_for_headers = True
        self._patience = self.loop.call_later(self._limits.header_seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
