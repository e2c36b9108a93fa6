"""A bounded load over loopback: so many requests over so many kept-open connections, as fast as they are answered.

Reads one request body a line from standard input, sends them in turn, and prints what it measured as JSON.
"""

import argparse
import asyncio
import json
import sys
from itertools import count
from time import perf_counter

import numpy as np
import uvloop


async def load(port: int, path: str, key: str, bodies: list[bytes], requests: int, connections: int) -> list[float]:
    """Send the requests; seconds each answer took. Any status but 200 ends it."""
    head = f"POST {path} HTTP/1.1\r\nHost: mia\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\n"
    messages = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    places, times = count(), []

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (place := next(places)) < requests:
            begun = perf_counter()
            writer.write(messages[place % len(messages)])
            header = await reader.readuntil(b"\r\n\r\n")
            if not header.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(header.decode())
            await reader.readexactly(int(header.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
            times.append(perf_counter() - begun)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_connection() for _ in range(connections)))
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--key", default="")
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    chosen = parser.parse_args()
    bodies = sys.stdin.buffer.read().splitlines()
    begun = perf_counter()
    times = uvloop.run(load(chosen.port, chosen.path, chosen.key, bodies, chosen.requests, chosen.connections))
    seconds = perf_counter() - begun
    p50, p99 = np.percentile(times, [50, 99])
    print(json.dumps({"per_second": len(times) / seconds, "p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3}))


if __name__ == "__main__":
    main()
