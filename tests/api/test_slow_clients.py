"""Clients that send or take too slowly are let go; a real server on a real socket, with patience of a moment."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import pytest
from tests.fakes.door import open_door
from tests.fakes.serving import serving

from mia.sections import DoorSettings

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: mia\r\nX-API-Key: mia_events\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with open_door() as door:
        limits = DoorSettings(header_seconds=0.3, body_seconds=0.3, depth_limit=8, body_limit=10_000)
        with serving(door.with_settings(limits)) as found:
            yield found


def read_all(client: socket.socket) -> bytes:
    """Everything up to the end that the server makes; a server that holds on fails the test."""
    client.settimeout(20)
    found = b""
    try:
        while part := client.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def drip(client: socket.socket, most: int) -> int:
    """Send headers one by one; how many the server took."""
    for number in range(most):
        try:
            client.sendall(f"X-{number}: a\r\n".encode())
        except (BrokenPipeError, ConnectionResetError):
            return number
        time.sleep(0.01)
    return most


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: mia\r\nX-Slow: "])
def test_headers_that_never_end_are_not_waited_for(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        assert read_all(client) == b""


def test_headers_dripping_in_do_not_buy_time(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert drip(client, 2_000) < 2_000


@pytest.mark.parametrize("start", [b"", b'{"events": ['])
def test_a_body_that_never_ends_is_408(port: int, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(HEAD + b"Content-Length: 900\r\n\r\n" + start)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 408


def test_many_slow_clients_do_not_hold_up_the_others(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for client in slow:
        client.sendall(b"GET /healthz HTTP/1.1\r\n")

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: mia\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        return answer

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 200 ")
    for client in slow:
        assert read_all(client) == b""
        client.close()


def test_what_is_no_http_is_refused_in_the_same_form(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n")
        answer = read_all(client)
    assert b"application/problem+json" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


def test_a_connection_is_kept_between_requests(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(20)
        for pause in (0, 0.6, 0.6):
            time.sleep(pause)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: mia\r\n\r\n")
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("body", [b"[" * 9_000, b'{"events":' * 900, b"[" * 9 + b"]" * 9])
def test_deep_bodies_are_refused_before_they_are_parsed(port: int, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert "nested more than 8 deep" in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]
