"""Load from a second process: wrk where it is installed, else a load of our own, which takes more of the machine."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
SCRIPT = """
local bodies = {{}}
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
local place = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-API-Key"] = "{key}"
function request()
  place = place % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[place])
end
{delay}
"""
DELAY = "function delay() return math.floor(0.5 - {milliseconds} * math.log(1 - math.random())) end"
"""Pauses of random length, as of people who know nothing of one another; equal ones would keep answers in step."""


@dataclass(frozen=True, slots=True)
class Load:
    """Answers a second and the milliseconds that half of them, and 99 of 100, took at most; `failed` were no 200."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def has_wrk() -> bool:
    """Whether the public tool is there."""
    return shutil.which("wrk") is not None


def measure_load(
    port: int,
    path: str,
    key: str,
    bodies: Sequence[bytes],
    *,
    seconds: float,
    connections: int,
    rate: float | None = None,
) -> Load:
    """One run of so many seconds over kept connections: as fast as answers come, or at about `rate` requests a second,
    for which every connection pauses between its requests, as long as chance has it (exponential).
    """
    if not has_wrk():
        return _own_load(port, path, key, bodies, seconds, connections)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bodies").write_bytes(b"\n".join(bodies) + b"\n")
        delay = "" if rate is None else DELAY.format(milliseconds=max(1, round(1e3 * connections / rate)))
        (folder / "load.lua").write_text(SCRIPT.format(bodies=folder / "bodies", key=key, delay=delay))
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s"]
        command += ["--timeout", "30s", "--latency", "--script", str(folder / "load.lua")]
        said = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    rate_found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate_found is None:
        raise RuntimeError(said)
    return Load(float(rate_found[1]), _latency(said, 50), _latency(said, 99), int(failed[1]) if failed else 0)


def _latency(said: str, percent: int) -> float:
    found = re.search(rf"{percent}(?:\.\d+)?%\s+([\d.]+)(us|ms|s|m)\b", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1]) * UNITS[found[2]]


def _own_load(port: int, path: str, key: str, bodies: Sequence[bytes], seconds: float, connections: int) -> Load:
    command = [sys.executable, str(HERE / "load.py"), "--port", str(port), "--path", path, "--key", key]
    command += ["--seconds", str(seconds), "--connections", str(connections)]
    run = subprocess.run(command, input=b"\n".join(bodies), stdout=subprocess.PIPE, check=True)
    return Load(**json.loads(run.stdout), failed=0)
