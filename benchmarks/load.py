"""A load over loopback for so many seconds over so many kept-open connections, where wrk is not installed.

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


async def load(port: int, path: str, key: str, bodies: list[bytes], seconds: float, connections: int) -> list[float]:
    """Send requests; seconds each answer took. Any status but 200 ends it."""
    head = f"POST {path} HTTP/1.1\r\nHost: mia\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\n"
    messages = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    places, times, end = count(), [], perf_counter() + seconds

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := perf_counter()) < end:
            writer.write(messages[next(places) % len(messages)])
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
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, required=True)
    chosen = parser.parse_args()
    bodies = sys.stdin.buffer.read().splitlines()
    begun = perf_counter()
    times = uvloop.run(load(chosen.port, chosen.path, chosen.key, bodies, chosen.seconds, chosen.connections))
    seconds = perf_counter() - begun
    p50, p99 = np.percentile(times, [50, 99])
    print(json.dumps({"per_second": len(times) / seconds, "p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3}))


if __name__ == "__main__":
    main()
