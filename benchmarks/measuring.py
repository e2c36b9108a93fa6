"""What every benchmark measures alike: the wall time and the peak memory of a command and all its children."""

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall time in seconds and peak resident memory of the process tree in MiB."""

    seconds: float
    peak_mib: float
    output: str


def measure_command(command: Sequence[str], **environment: str) -> Measured:
    """Run a command to its end; raises CalledProcessError with its output when it fails."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
    ) as process:
        peaks: list[int] = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peaks))
        watcher.start()
        output, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Measured(time.perf_counter() - started, peaks[0] / 2**20, output)


def _watch(pid: int, peaks: list[int]) -> None:
    try:
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            tree = [root, *root.children(recursive=True)]
            peaks[0] = max(peaks[0], sum(_resident(one) for one in tree))
            time.sleep(EVERY_SECONDS)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
